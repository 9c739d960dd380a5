/*
 * The PE parser against a hand-made image, spoilt in one place a test, and against a driver that
 * mingw-w64 linked (TEST_SYS, set by run.sh).
 */
#include "pe_build.h"

#include "parse/pe.h"

static uint8_t file[PE_BUILT_SIZE];

static bool parse(struct pe_image *image, struct parse_error *error, size_t size)
{
    return pe_parse(image, file, size, error);
}

/* Build, put a number somewhere, and expect the refusal to name that field. */
static void refuse(size_t at, uint64_t value, size_t width, const char *what)
{
    struct pe_image image;
    struct parse_error error = {0};

    pe_build(file);
    test_put(file + at, value, width);
    assert_false(parse(&image, &error, PE_BUILT_SIZE));
    assert_non_null(error.what);
    assert_string_equal(error.what, what);
    assert_true(strlen(error.detail) > 0);
}

static void accepts_sound(void **state)
{
    struct pe_image image;
    struct parse_error error;
    struct pe_section section;

    (void)state;
    pe_build(file);
    assert_true(parse(&image, &error, PE_BUILT_SIZE));
    assert_int_equal(image.image_base, PE_BUILT_BASE);
    assert_int_equal(image.size_of_image, 0x6000);
    assert_int_equal(image.entry_rva, 0x1010);
    assert_int_equal(image.section_count, 4);
    assert_int_equal(image.cookie_rva, 0x3000);
    assert_false(image.has_writable_code);
    assert_false(image.relocations_stripped);
    assert_true(pe_section_at(&image, 2, &section));
    assert_string_equal(section.name, ".data");
    assert_int_equal(section.mapped_size, 0x2000);
    assert_int_equal(section.raw_size, 0x200);
    assert_true(section.writable);
    assert_false(section.executable);
    assert_false(pe_section_at(&image, 4, &section));
}

static void yields_imports(void **state)
{
    struct pe_image image;
    struct parse_error error;
    struct pe_import_iterator iterator;
    struct pe_import import;

    (void)state;
    pe_build(file);
    assert_true(parse(&image, &error, PE_BUILT_SIZE));
    pe_import_begin(&image, &iterator);
    assert_int_equal(pe_import_next(&iterator, &import, &error), PARSE_ITEM);
    assert_string_equal(import.library, "ntoskrnl.exe");
    assert_string_equal(import.name, "IoConnectInterruptEx");
    assert_int_equal(import.ordinal, 5);
    assert_int_equal(import.slot_rva, pe_rva_of(PE_AT_IAT));
    assert_int_equal(pe_import_next(&iterator, &import, &error), PARSE_ITEM);
    assert_null(import.name);
    assert_int_equal(import.ordinal, 77);
    assert_int_equal(import.slot_rva, pe_rva_of(PE_AT_IAT) + 8);
    assert_int_equal(pe_import_next(&iterator, &import, &error), PARSE_ITEM);
    assert_string_equal(import.library, "HAL.dll");
    assert_string_equal(import.name, "KeStallExecutionProcessor");
    assert_int_equal(pe_import_next(&iterator, &import, &error), PARSE_END);
}

static void yields_relocations(void **state)
{
    static const uint32_t expected[] = {0x3010, 0x3018, 0x3FF8};
    struct pe_image image;
    struct parse_error error;
    struct pe_relocation_iterator iterator;
    uint32_t rva;

    (void)state;
    pe_build(file);
    assert_true(parse(&image, &error, PE_BUILT_SIZE));
    pe_relocation_begin(&image, &iterator);
    for (unsigned i = 0; i < TEST_COUNT(expected); i++) {
        assert_int_equal(pe_relocation_next(&iterator, &rva, &error), PARSE_ITEM);
        assert_int_equal(rva, expected[i]);
    }
    assert_int_equal(pe_relocation_next(&iterator, &rva, &error), PARSE_END);
}

static void refuses_headers(void **state)
{
    (void)state;
    refuse(0, 0, 2, "e_magic");
    refuse(PE_AT_LFANEW, PE_BUILT_SIZE, 4, "e_lfanew");
    refuse(PE_AT_LFANEW, 0xFFFFFFFF, 4, "e_lfanew");
    refuse(PE_AT_NT, 0, 4, "Signature");
    refuse(PE_AT_FILE_HEADER, 0x14C, 2, "Machine");
    refuse(PE_AT_FILE_HEADER + 2, 0, 2, "NumberOfSections");
    refuse(PE_AT_FILE_HEADER + 2, 97, 2, "NumberOfSections");
    refuse(PE_AT_FILE_HEADER + 16, 96, 2, "SizeOfOptionalHeader");
    refuse(PE_AT_FILE_HEADER + 18, 0, 2, "Characteristics");
#define AT(field) (PE_AT_OPTIONAL + offsetof(struct pe_optional_header, field))
    refuse(AT(magic), PE_MAGIC_PE32, 2, "Magic");
    refuse(AT(subsystem), 3, 2, "Subsystem");
    refuse(AT(section_alignment), 0x200, 4, "SectionAlignment");
    refuse(AT(section_alignment), 0x3000, 4, "SectionAlignment");
    refuse(AT(file_alignment), 16, 4, "FileAlignment");
    refuse(AT(size_of_image), 0x10000000, 4, "SizeOfImage");
    refuse(AT(size_of_image), 0x6001, 4, "SizeOfImage");
    refuse(AT(size_of_headers), 0x100000, 4, "SizeOfHeaders");
    refuse(AT(size_of_headers), 0x100, 4, "SizeOfHeaders");
    refuse(AT(image_base), 0x140000001, 8, "ImageBase");
    refuse(AT(address_of_entry_point), 0, 4, "AddressOfEntryPoint");
    refuse(AT(address_of_entry_point), 0x3000, 4, "AddressOfEntryPoint");
    refuse(AT(address_of_entry_point), 0xFFFFFFFF, 4, "AddressOfEntryPoint");
#undef AT
}

static void refuses_sections(void **state)
{
    (void)state;
#define AT(index, field) (PE_AT_SECTIONS + (index)*40 + offsetof(struct pe_section_header, field))
    refuse(AT(0, virtual_address), 0, 4, "section VirtualAddress");
    refuse(AT(1, virtual_address), 0x1000, 4, "section VirtualAddress");
    refuse(AT(1, virtual_address), 0x2010, 4, "section VirtualAddress");
    refuse(AT(0, virtual_size), 0x1001, 4, "section VirtualAddress");
    refuse(AT(3, virtual_size), 0x1001, 4, "section VirtualSize");
    refuse(AT(3, virtual_size), 0xFFFFFFFF, 4, "section VirtualSize");
    refuse(AT(2, pointer_to_raw_data), 0xA10, 4, "section PointerToRawData");
    refuse(AT(2, pointer_to_raw_data), PE_BUILT_SIZE, 4, "section SizeOfRawData");
    refuse(AT(3, size_of_raw_data), 0x400, 4, "section SizeOfRawData");
    refuse(AT(0, characteristics), 0xE0000020, 4, "section Characteristics");
#undef AT
}

static void flags_writable_init(void **state)
{
    struct pe_image image;

    (void)state;
    pe_build(file);
    test_put(file + PE_AT_SECTIONS + offsetof(struct pe_section_header, characteristics),
             0xE2000020, 4);
    assert_true(parse(&image, NULL, PE_BUILT_SIZE));
    assert_true(image.has_writable_code);
}

static void refuses_exceptions(void **state)
{
    (void)state;
    refuse(PE_AT_PDATA + 12, 0x0FFF, 4, "RUNTIME_FUNCTION");
    refuse(PE_AT_PDATA + 4, 0x1000, 4, "RUNTIME_FUNCTION");
    refuse(PE_AT_PDATA + 16, 0x7000, 4, "RUNTIME_FUNCTION");
    refuse(PE_AT_PDATA + 8, 0x6000, 4, "RUNTIME_FUNCTION UnwindData");
    refuse(PE_AT_DIRECTORIES + PE_DIRECTORY_EXCEPTION * 8 + 4, 20, 4, "exception directory");
    refuse(PE_AT_DIRECTORIES + PE_DIRECTORY_EXCEPTION * 8, 0x3200, 4, "exception directory");
    refuse(PE_AT_DIRECTORIES + PE_DIRECTORY_EXCEPTION * 8, 0xFFFFFFF0, 4, "data directory");
}

static void refuses_cookie(void **state)
{
    struct pe_image image;

    (void)state;
    refuse(PE_AT_LOAD_CONFIG + 0x58, PE_BUILT_BASE + 0x2000, 8, "SecurityCookie");
    refuse(PE_AT_LOAD_CONFIG + 0x58, 0x1000, 8, "SecurityCookie");
    refuse(PE_AT_LOAD_CONFIG + 0x58, PE_BUILT_BASE + 0x4FFC, 8, "SecurityCookie");
    pe_build(file);
    test_put(file + PE_AT_LOAD_CONFIG, 0x40, 4);
    assert_true(parse(&image, NULL, PE_BUILT_SIZE));
    assert_int_equal(image.cookie_rva, 0);
}

/* Spoil an import and run the iterator: it must end in an error that names the field. */
static void refuse_import(size_t at, uint64_t value, size_t width, const char *what)
{
    struct pe_image image;
    struct parse_error error;
    struct pe_import_iterator iterator;
    struct pe_import import;
    enum parse_step step;

    pe_build(file);
    test_put(file + at, value, width);
    assert_true(parse(&image, &error, PE_BUILT_SIZE));
    pe_import_begin(&image, &iterator);
    do {
        step = pe_import_next(&iterator, &import, &error);
    } while (step == PARSE_ITEM);
    assert_int_equal(step, PARSE_BAD);
    assert_string_equal(error.what, what);
}

static void refuses_imports(void **state)
{
    (void)state;
    refuse_import(PE_AT_IMPORTS + 12, 0x100, 4, "import descriptor Name");
    refuse_import(PE_AT_IMPORTS + 12, 0x4000, 4, "import descriptor Name");
    refuse_import(PE_AT_IMPORTS, 0x7000, 4, "import lookup table");
    refuse_import(PE_AT_IMPORTS + 16, 0x7000, 4, "import address table");
    refuse_import(PE_AT_LOOKUP, 0x4FFF, 8, "import lookup entry");
    refuse_import(PE_AT_LOOKUP, 0x100002000, 8, "import lookup entry");
}

static void refuse_relocation(size_t at, uint64_t value, size_t width, const char *what)
{
    struct pe_image image;
    struct parse_error error;
    struct pe_relocation_iterator iterator;
    enum parse_step step;
    uint32_t rva;

    pe_build(file);
    test_put(file + at, value, width);
    assert_true(parse(&image, &error, PE_BUILT_SIZE));
    pe_relocation_begin(&image, &iterator);
    do {
        step = pe_relocation_next(&iterator, &rva, &error);
    } while (step == PARSE_ITEM);
    assert_int_equal(step, PARSE_BAD);
    assert_string_equal(error.what, what);
}

static void refuses_relocations(void **state)
{
    (void)state;
    refuse_relocation(PE_AT_RELOC + 4, 4, 4, "base relocation SizeOfBlock");
    refuse_relocation(PE_AT_RELOC + 4, 0x100, 4, "base relocation SizeOfBlock");
    refuse_relocation(PE_AT_RELOC + 4, 15, 4, "base relocation SizeOfBlock");
    refuse_relocation(PE_AT_RELOC, 0x7000, 4, "base relocation");
    refuse_relocation(PE_AT_RELOC, 0xFFFFFFFF, 4, "base relocation");
    refuse_relocation(PE_AT_RELOC + 8, 0x3010, 2, "base relocation type");
}

/* Every prefix is refused: each byte of the built file matters to the last section. */
static void refuses_truncated(void **state)
{
    struct pe_image image;
    struct parse_error error;

    (void)state;
    for (size_t size = 0; size < PE_BUILT_SIZE; size++) {
        pe_build(file);
        void *copy = test_exact(file, size);
        assert_false(pe_parse(&image, copy, size, &error));
        free(copy);
    }
}

static void accepts_mingw(void **state)
{
    struct pe_image image;
    struct parse_error error = {0};
    struct pe_import_iterator imports;
    struct pe_import import;
    struct pe_relocation_iterator relocations;
    uint32_t rva;
    enum parse_step step;
    size_t size;
    unsigned names = 0;
    void *bytes = test_read_file(getenv("TEST_SYS"), &size);

    (void)state;
    if (!bytes)
        skip();
    if (!pe_parse(&image, bytes, size, &error))
        fail_msg("%s at 0x%llx: %s", error.what, (unsigned long long)error.offset, error.detail);
    assert_true(image.exception.size > 0);
    pe_import_begin(&image, &imports);
    while ((step = pe_import_next(&imports, &import, &error)) == PARSE_ITEM)
        names += import.name != NULL;
    assert_int_equal(step, PARSE_END);
    assert_true(names > 0);
    pe_relocation_begin(&image, &relocations);
    unsigned count = 0;
    while ((step = pe_relocation_next(&relocations, &rva, &error)) == PARSE_ITEM)
        count++;
    assert_int_equal(step, PARSE_END);
    assert_true(count > 0);
    free(bytes);
}

/* Cut off at every 64 bytes: refused, or walked to an end without a read past the file. */
static void survives_cut_mingw(void **state)
{
    struct pe_image image;
    struct parse_error error;
    struct pe_import_iterator imports;
    struct pe_import import;
    struct pe_relocation_iterator relocations;
    uint32_t rva;
    size_t size;
    uint8_t *bytes = test_read_file(getenv("TEST_SYS"), &size);

    (void)state;
    if (!bytes)
        skip();
    for (size_t cut = 0; cut < size; cut += 64) {
        void *copy = test_exact(bytes, cut);
        if (pe_parse(&image, copy, cut, &error)) {
            pe_import_begin(&image, &imports);
            while (pe_import_next(&imports, &import, &error) == PARSE_ITEM)
                assert_true(strlen(import.library) > 0);
            pe_relocation_begin(&image, &relocations);
            while (pe_relocation_next(&relocations, &rva, &error) == PARSE_ITEM)
                assert_true(rva < image.size_of_image);
        } else {
            assert_true(strlen(error.what) > 0 && strlen(error.detail) > 0);
        }
        free(copy);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("a sound driver image is accepted with all its fields", accepts_sound),
        SENTENCE("imports come by name and by ordinal with their slots", yields_imports),
        SENTENCE("base relocations come in order without their padding", yields_relocations),
        SENTENCE("each wrong header field is refused by its name", refuses_headers),
        SENTENCE("sections that overlap, leave the image or break W^X are refused",
                 refuses_sections),
        SENTENCE("a discardable writable code section is accepted and reported",
                 flags_writable_init),
        SENTENCE("an unsorted or absurd exception directory is refused", refuses_exceptions),
        SENTENCE("a security cookie outside writable data is refused", refuses_cookie),
        SENTENCE("malformed imports end the walk with the field's name", refuses_imports),
        SENTENCE("malformed base relocations end the walk with the field's name",
                 refuses_relocations),
        SENTENCE("an image cut off at any byte is refused", refuses_truncated),
        SENTENCE("a driver linked by mingw-w64 is accepted with imports and relocations",
                 accepts_mingw),
        SENTENCE("a real driver cut off at any 64 bytes is refused or walked unharmed",
                 survives_cut_mingw),
    };

    return cmocka_run_group_tests_name("PE images", tests, NULL, NULL);
}
