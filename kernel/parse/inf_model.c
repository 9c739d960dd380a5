/*
 * [Version], [Manufacturer] and the models: the search for the install section of a device.
 */
#include "parse/inf_model.h"

#include "parse/inf_decoration.h"

/* WDK "How Setup Ranks Drivers": what matched what; below that, the positions in the lists. */
#define RANK_HARDWARE_HARDWARE 0x0000u
#define RANK_HARDWARE_COMPATIBLE 0x1000u
#define RANK_COMPATIBLE_HARDWARE 0x2000u
#define RANK_COMPATIBLE_COMPATIBLE 0x3000u
#define RANK_DEVICE_STEP 0x10u /* a worse id of the device */
#define RANK_POSITION_MAX 0xFFu
#define RANK_MODEL_MAX 0x0Fu
#define RANK_NONE UINT32_MAX

/* Append with truncation reported. */
static bool append(char *buffer, size_t size, const char *text)
{
    size_t length = 0;

    while (buffer[length])
        length++;
    while (*text) {
        if (length + 1 >= size)
            return false;
        buffer[length++] = *text++;
    }
    buffer[length] = '\0';
    return true;
}

static bool join(char *buffer, size_t size, const char *first, const char *second)
{
    buffer[0] = '\0';
    return append(buffer, size, first) && append(buffer, size, second);
}

/* A field of [Version]; empty where it is absent or does not fit. */
static void read_version_field(const struct inf *inf, const char *key, unsigned index, char *buffer,
                               size_t size)
{
    struct inf_line line;

    buffer[0] = '\0';
    if (inf_find_line(inf, "Version", key, &line) && inf_line_field(&line, index, buffer, size) < 0)
        buffer[0] = '\0';
}

bool inf_version_read(const struct inf *inf, struct inf_version *version, struct parse_error *error)
{
    struct inf_line line;
    char signature[32];

    if (!inf_find_line(inf, "Version", "Signature", &line))
        return parse_fail(error, "[Version] Signature", 0, "there is none");
    if (inf_line_field(&line, 1, signature, sizeof(signature)) < 0 ||
        (!inf_equal(signature, "$Windows NT$") && !inf_equal(signature, "$Chicago$"))) {
        parse_report_line(error, "[Version] Signature", line.start, "not $Windows NT$",
                          inf_line_of_offset(inf, line.start));
        return false;
    }
    read_version_field(inf, "Class", 1, version->class_name, sizeof(version->class_name));
    read_version_field(inf, "ClassGuid", 1, version->class_guid, sizeof(version->class_guid));
    read_version_field(inf, "Provider", 1, version->provider, sizeof(version->provider));
    read_version_field(inf, "DriverVer", 1, version->driver_date, sizeof(version->driver_date));
    read_version_field(inf, "DriverVer", 2, version->driver_version,
                       sizeof(version->driver_version));
    return true;
}

/* The models section a line of [Manufacturer] leads to on this system. */
static bool choose_models(const struct inf_line *line, char *section, size_t size)
{
    char name[INF_FIELD_MAX];
    char decoration[INF_FIELD_MAX];
    char best[INF_FIELD_MAX];
    uint64_t best_score = 0;

    /* %name% alone names the section too. */
    if (inf_line_field(line, 1, name, sizeof(name)) <= 0)
        return false;
    for (unsigned i = 2;
         inf_line_field(line, i, decoration, sizeof(decoration)) != INF_FIELD_ABSENT; i++) {
        uint64_t score = inf_decoration_score(decoration);
        if (score > best_score) {
            best_score = score;
            join(best, sizeof(best), decoration, "");
        }
    }
    if (best_score == 0)
        return join(section, size, name, "");
    return join(section, size, name, ".") && append(section, size, best);
}

/* An install section as it stands in the file: decorated, else bare. */
static bool choose_install(const struct inf *inf, const char *name, char *install, size_t size)
{
    static const char *const decorations[] = {".NTamd64", ".NT", ""};
    struct inf_cursor cursor;

    for (unsigned i = 0; i < sizeof(decorations) / sizeof(decorations[0]); i++) {
        if (join(install, size, name, decorations[i]) && inf_find_section(inf, install, &cursor))
            return true;
    }
    return false;
}

static unsigned position(const char *const *list, unsigned count, const char *id)
{
    unsigned at = 0;

    while (at < count && !inf_equal(list[at], id))
        at++;
    return at;
}

static uint32_t rank_of(uint32_t class_rank, unsigned device_position, unsigned model_position)
{
    if (device_position > RANK_POSITION_MAX)
        device_position = RANK_POSITION_MAX;
    if (model_position > RANK_MODEL_MAX)
        model_position = RANK_MODEL_MAX;
    return class_rank + device_position * RANK_DEVICE_STEP + model_position;
}

/* Rank of one id of a model; model_position 0 is its hardware id, the others are compatible. */
static uint32_t rank_id(const struct inf_device_ids *ids, const char *id, unsigned model_position)
{
    unsigned at = position(ids->hardware, ids->hardware_count, id);

    if (at < ids->hardware_count)
        return rank_of(model_position ? RANK_HARDWARE_COMPATIBLE : RANK_HARDWARE_HARDWARE, at,
                       model_position);
    at = position(ids->compatible, ids->compatible_count, id);
    if (at < ids->compatible_count)
        return rank_of(model_position ? RANK_COMPATIBLE_COMPATIBLE : RANK_COMPATIBLE_HARDWARE, at,
                       model_position);
    return RANK_NONE;
}

/* Take a model over if one of its ids ranks better than what *match holds. */
static void consider_model(const struct inf_line *line, const struct inf_device_ids *ids,
                           const char *manufacturer, struct inf_match *match)
{
    char id[INF_FIELD_MAX];
    char install[INF_NAME_MAX];
    char base[INF_NAME_MAX];
    int32_t length;

    for (unsigned i = 2; (length = inf_line_field(line, i, id, sizeof(id))) != INF_FIELD_ABSENT;
         i++) {
        uint32_t rank = length > 0 ? rank_id(ids, id, i - 2) : RANK_NONE;

        if (rank >= match->rank || inf_line_field(line, 1, base, sizeof(base)) <= 0 ||
            !choose_install(line->inf, base, install, sizeof(install)) ||
            !join(match->hardware, sizeof(match->hardware), install, ".HW") ||
            !join(match->services, sizeof(match->services), install, ".Services"))
            continue;
        match->rank = rank;
        join(match->install, sizeof(match->install), install, "");
        join(match->matched_id, sizeof(match->matched_id), id, "");
        join(match->manufacturer, sizeof(match->manufacturer), manufacturer, "");
        inf_line_field(line, 0, match->description, sizeof(match->description));
    }
}

bool inf_match(const struct inf *inf, const struct inf_device_ids *ids, struct inf_match *match)
{
    struct inf_cursor manufacturers;
    struct inf_cursor models;
    struct inf_line line;
    char manufacturer[INF_FIELD_MAX];
    char section[INF_FIELD_MAX];

    *match = (struct inf_match){.rank = RANK_NONE};
    if (!inf_find_section(inf, "Manufacturer", &manufacturers))
        return false;
    while (inf_next_line(&manufacturers, &line)) {
        if (!choose_models(&line, section, sizeof(section)) ||
            !inf_find_section(inf, section, &models))
            continue;
        inf_line_field(&line, line.has_key ? 0 : 1, manufacturer, sizeof(manufacturer));
        while (inf_next_line(&models, &line))
            consider_model(&line, ids, manufacturer, match);
    }
    return match->rank != RANK_NONE;
}
