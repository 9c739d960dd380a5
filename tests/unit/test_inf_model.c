/*
 * What an INF says about a device: version, models, services, registry values, files. The sample is
 * written as driver authors write theirs.
 */
#include "test.h"

#include "parse/inf_model.h"

static const char sample[] =
    "; edu.inf\r\n"
    "[Version]\r\n"
    "Signature = \"$Windows NT$\" ; the comment\r\n"
    "Class=Sample\r\n"
    "ClassGuid={78A1C341-4539-11d3-B88D-00C04FAD5171}\r\n"
    "Provider=%ManufacturerName%\r\n"
    "DriverVer = 06/21/2024,10.0.0.1\r\n"
    "\r\n"
    "[Manufacturer]\r\n"
    "%ManufacturerName%=Standard,NTx86,NTamd64,NTamd64.6.1,NTamd64.11.0,NTarm64\r\n"
    "Old = OldModels\r\n"
    "[Standard]\r\n"
    "%Bare% = Bare, PCI\\VEN_1234&DEV_11E8\r\n"
    "[Standard.NTamd64]\r\n"
    "%Bare% = Bare, PCI\\VEN_1234&DEV_11E8\r\n"
    "[Standard.NTamd64.6.1]\r\n"
    "%Edu% = Edu, PCI\\VEN_1234&DEV_11E8, PCI\\CC_00FF\r\n"
    "\"Edu, rev 10\" = EduTen, \\ ; continued\r\n"
    "   PCI\\VEN_1234&DEV_11E8&REV_10\r\n"
    "[OldModels]\r\n"
    "Any = Bare, PCI\\CC_00FF00\r\n"
    "[Bare]\r\n"
    "[Edu.NT]\r\n"
    "CopyFiles = Files, @extra.bin\r\n"
    "AddReg = Software\r\n"
    "[Edu.NT.HW]\r\n"
    "AddReg = Msi,Msi2\r\n"
    "[Msi]\r\n"
    "HKR,\"Interrupt Management\",,0x00000010\r\n"
    "HKR,Interrupt Management\\MessageSignaledInterruptProperties,MSISupported,0x00010001,1\r\n"
    "[Msi2]\r\n"
    "HKR,,Bytes,1,0x01,ff,A0\r\n"
    "HKR,,Four,0x10001,78,56,34,12\r\n"
    "[EduTen.NTamd64]\r\n"
    "[Edu.NT.Services]\r\n"
    "AddService = filter,,Filter_Service\r\n"
    "AddService = edu, 0x00000002, Edu_Service\r\n"
    "[Filter_Service]\r\n"
    "ServiceBinary = %12%\\filter.sys\r\n"
    "[Edu_Service]\r\n"
    "ServiceType = 1\r\n"
    "StartType = 3\r\n"
    "ErrorControl = 0x1\r\n"
    "ServiceBinary = %12%\\edu.sys\r\n"
    "LoadOrderGroup = Extended Base\r\n"
    "AddReg = Software\r\n"
    "[Software]\r\n"
    "HKR,Parameters,Name,,\"quoted \"\"text\"\", with ; signs\"\r\n"
    "HKR,Parameters,List,0x00010000,one,\"two, three\",%Edu%\r\n"
    "HKR,Parameters,Wide,0x000B0001,8,7,6,5,4,3,2,1\r\n"
    "HKR,Parameters,Path,0x00020000,%%SystemRoot%%\\%12%\r\n"
    "[Files]\r\n"
    "edu.sys,edu_amd64.sys,,2\r\n"
    "plain.sys\r\n"
    "[Strings]\r\n"
    "ManufacturerName = \"The House\"\r\n"
    "edu = \"QEMU education device\"\r\n"
    "[standard.ntAMD64.6.1]\r\n"
    "%Missing% = Edu, PCI\\VEN_1234&DEV_0001\r\n"
    "[Strings.0409]\r\n"
    "Bare = \"only in English\"\r\n";

static char scratch[3 * sizeof(sample)];

static struct inf open_text(const char *text)
{
    struct inf inf;
    struct parse_error error = {0};

    if (!inf_open(&inf, text, strlen(text), scratch, sizeof(scratch), &error))
        fail_msg("%s at %llu: %s", error.what, (unsigned long long)error.offset, error.detail);
    return inf;
}

static void reads_version(void **state)
{
    struct inf inf = open_text(sample);
    struct inf_version version;
    struct parse_error error;

    (void)state;
    assert_true(inf_version_read(&inf, &version, &error));
    assert_string_equal(version.class_name, "Sample");
    assert_string_equal(version.class_guid, "{78A1C341-4539-11d3-B88D-00C04FAD5171}");
    assert_string_equal(version.provider, "The House");
    assert_string_equal(version.driver_date, "06/21/2024");
    assert_string_equal(version.driver_version, "10.0.0.1");
    inf = open_text("[Version]\nSignature=\"$Windows 3$\"\n");
    assert_false(inf_version_read(&inf, &version, &error));
    assert_string_equal(error.detail, "not $Windows NT$, line 2");
}

static bool match_ids(const char *text, const char *hardware, const char *compatible,
                      struct inf_match *match)
{
    const char *const hardware_list[] = {"PCI\\NO_SUCH", hardware};
    const char *const compatible_list[] = {compatible};
    struct inf inf = open_text(text);

    return inf_match(&inf, &(struct inf_device_ids){hardware_list, 2, compatible_list, 1}, match);
}

static void picks_models(void **state)
{
    struct inf_match match;
    uint32_t rank;

    (void)state;
    assert_true(match_ids(sample, "pci\\ven_1234&dev_11e8", "PCI\\CC_00FF00", &match));
    assert_string_equal(match.install, "Edu.NT");
    assert_string_equal(match.hardware, "Edu.NT.HW");
    assert_string_equal(match.services, "Edu.NT.Services");
    assert_string_equal(match.description, "QEMU education device");
    assert_string_equal(match.manufacturer, "The House");
    assert_string_equal(match.matched_id, "PCI\\VEN_1234&DEV_11E8");
    rank = match.rank;
    assert_true(match_ids(sample, "PCI\\CC_00FF", "-", &match));
    assert_string_equal(match.install, "Edu.NT");
    assert_true(match.rank > rank);
    rank = match.rank;
    assert_true(match_ids(sample, "-", "PCI\\CC_00FF00", &match));
    assert_string_equal(match.install, "Bare");
    assert_string_equal(match.manufacturer, "Old");
    assert_true(match.rank > rank);
    assert_true(match_ids(sample, "PCI\\VEN_1234&DEV_11E8&REV_10", "-", &match));
    assert_string_equal(match.install, "EduTen.NTamd64");
    assert_string_equal(match.description, "Edu, rev 10");
    assert_true(match_ids(sample, "PCI\\VEN_1234&DEV_0001", "-", &match)); /* section reopened */
    assert_string_equal(match.description, "%Missing%");
    assert_false(match_ids(sample, "-", "-", &match));
}

static void weighs_decorations(void **state)
{
    static const struct {
        const char *list;
        const char *chosen;
    } cases[] = {
        {"", "Bare"},
        {",NTx86", "Bare"},
        {",NT", "NT"},
        {",NT,NTamd64", "amd64"},
        {",NTamd64,NT.10.0", "amd64"},
        {",NTamd64.10.0,NTamd64", "ten"},
        {",NTamd64.10.0,NTamd64.10.0...16299,NTamd64.10.0...99999", "build"},
        {",NTamd64.10.0.3,NT.5.1", "five"},
        {",NTamd64.0xA.0x0", "hex"},
        {",NTamd64.,NTamd64x", "Dot"},
    };
    char text[1024];
    struct inf_match match;

    (void)state;
    for (unsigned i = 0; i < TEST_COUNT(cases); i++) {
        snprintf(text, sizeof(text),
                 "[Manufacturer]\nx=M%s\n[M]\nBare=I,ID\n[M.NT]\nNT=I,ID\n[M.NTamd64]\n"
                 "amd64=I,ID\n[M.NTamd64.10.0]\nten=I,ID\n[M.NTamd64.10.0...16299]\nbuild=I,ID\n"
                 "[M.NTamd64.10.0.3]\nserver=I,ID\n[M.NT.5.1]\nfive=I,ID\n[M.NT.10.0]\nx=I,ID\n"
                 "[M.NTamd64.0xA.0x0]\nhex=I,ID\n[M.NTamd64.10.0...99999]\nlate=I,ID\n"
                 "[M.NTamd64.]\nDot=I,ID\n[I]\n",
                 cases[i].list);
        assert_true(match_ids(text, "ID", "-", &match));
        assert_string_equal(match.description, cases[i].chosen);
    }
}

static void finds_service(void **state)
{
    struct inf inf = open_text(sample);
    struct inf_service service;
    struct parse_error error;

    (void)state;
    assert_true(inf_service_find(&inf, "edu.nt.services", &service, &error));
    assert_string_equal(service.name, "edu");
    assert_string_equal(service.section, "Edu_Service");
    assert_string_equal(service.binary, "%12%\\edu.sys");
    assert_string_equal(service.file_name, "edu.sys");
    assert_string_equal(service.load_order_group, "Extended Base");
    assert_int_equal(service.service_type, 1);
    assert_int_equal(service.start_type, 3);
    assert_int_equal(service.error_control, 1);
    assert_false(inf_service_find(&inf, "Bare.Services", &service, &error));
    inf = open_text("[S]\nAddService=a,,A\n[A]\nStartType=x\n");
    assert_false(inf_service_find(&inf, "S", &service, &error));
    assert_string_equal(error.detail, "not a number, line 4");
    inf = open_text("[S]\nAddService=a,,A\n[A]\nStartType=3\n");
    assert_false(inf_service_find(&inf, "S", &service, &error));
    assert_string_equal(error.what, "ServiceBinary");
    inf = open_text("[S]\nAddService=,2\n");
    assert_false(inf_service_find(&inf, "S", &service, &error));
}

/* The next value must be that one, with that data. */
static void expect_data(struct inf_directive_iterator *iterator, const char *subkey,
                        const char *name, uint32_t type, const void *data, size_t size)
{
    struct inf_registry_value value;
    struct parse_error error;
    uint8_t buffer[64];
    size_t length;

    assert_int_equal(inf_registry_next(iterator, &value, &error), PARSE_ITEM);
    assert_string_equal(value.root, "HKR");
    assert_string_equal(value.subkey, subkey);
    assert_string_equal(value.name, name);
    assert_int_equal(value.type, type);
    assert_true(inf_registry_data(&value, buffer, sizeof(buffer), &length, &error));
    assert_int_equal(length, size);
    assert_memory_equal(buffer, data, size);
    for (size_t less = 0; less < size; less++)
        assert_false(inf_registry_data(&value, buffer, less, &length, &error));
}

static void reads_registry(void **state)
{
    struct inf inf = open_text(sample);
    struct inf_directive_iterator iterator;
    struct inf_registry_value value;

    (void)state;
    assert_true(inf_registry_begin(&inf, "Edu.NT.HW", &iterator));
    expect_data(&iterator, "Interrupt Management", "", INF_REG_SZ, "", 1);
    expect_data(&iterator, "Interrupt Management\\MessageSignaledInterruptProperties",
                "MSISupported", INF_REG_DWORD, "\1\0\0\0", 4);
    expect_data(&iterator, "", "Bytes", INF_REG_BINARY, "\1\xFF\xA0", 3);
    expect_data(&iterator, "", "Four", INF_REG_DWORD, "\x78\x56\x34\x12", 4);
    assert_int_equal(inf_registry_next(&iterator, &value, NULL), PARSE_END);
    assert_true(inf_registry_begin(&inf, "Edu_Service", &iterator));
    expect_data(&iterator, "Parameters", "Name", INF_REG_SZ, "quoted \"text\", with ; signs", 28);
    expect_data(&iterator, "Parameters", "List", INF_REG_MULTI_SZ,
                "one\0two, three\0QEMU education device\0", 38);
    expect_data(&iterator, "Parameters", "Wide", INF_REG_QWORD, "\10\7\6\5\4\3\2\1", 8);
    expect_data(&iterator, "Parameters", "Path", INF_REG_EXPAND_SZ, "%SystemRoot%\\%12%", 18);
    assert_false(inf_registry_begin(&inf, "Bare.HW", &iterator));
}

static void refuses_registry(void **state)
{
    static const char *const lines[] = {
        "HKX,,a,,b", "HKR,,a,z,b", "HKR,,a,0x00030000,b", "AddReg = nothing", "@file",
    };
    static const char *const data[] = {
        "HKR,,a,1,100",
        "HKR,,a,1,0x",
        "HKR,,a,1,gg",
        "HKR,,a,0x10001,1,2",
        "HKR,,a,0x10001,x",
        "HKR,,a,0xB0001,1,2,3",
        "HKR,,a,0x10001,0x100000000",
    };
    struct inf_directive_iterator iterator;
    struct inf_registry_value value;
    struct parse_error error;
    char text[128];
    uint8_t buffer[16];
    size_t length;

    (void)state;
    for (unsigned i = 0; i < TEST_COUNT(lines); i++) {
        snprintf(text, sizeof(text), "[I]\nAddReg=R\n[R]\n%s\n", lines[i]);
        struct inf inf = open_text(text);
        assert_true(inf_registry_begin(&inf, "I", &iterator));
        assert_int_equal(inf_registry_next(&iterator, &value, &error), PARSE_BAD);
    }
    for (unsigned i = 0; i < TEST_COUNT(data); i++) {
        snprintf(text, sizeof(text), "[I]\nAddReg=R\n[R]\n%s\n", data[i]);
        struct inf inf = open_text(text);
        assert_true(inf_registry_begin(&inf, "I", &iterator));
        assert_int_equal(inf_registry_next(&iterator, &value, &error), PARSE_ITEM);
        assert_false(inf_registry_data(&value, buffer, sizeof(buffer), &length, &error));
    }
    struct inf inf = open_text("[I]\nAddReg=Missing\n");
    assert_true(inf_registry_begin(&inf, "I", &iterator));
    assert_int_equal(inf_registry_next(&iterator, &value, &error), PARSE_BAD);
    assert_string_equal(error.detail, "no such section, line 2");
}

static void lists_files(void **state)
{
    static const char *const expected[][2] = {
        {"edu.sys", "edu_amd64.sys"},
        {"plain.sys", "plain.sys"},
        {"extra.bin", "extra.bin"},
    };
    struct inf inf = open_text(sample);
    struct inf_directive_iterator iterator;
    struct inf_copy_file copied;

    (void)state;
    assert_true(inf_copy_begin(&inf, "Edu.NT", &iterator));
    for (unsigned i = 0; i < TEST_COUNT(expected); i++) {
        assert_int_equal(inf_copy_next(&iterator, &copied, NULL), PARSE_ITEM);
        assert_string_equal(copied.target, expected[i][0]);
        assert_string_equal(copied.source, expected[i][1]);
    }
    assert_int_equal(inf_copy_next(&iterator, &copied, NULL), PARSE_END);
}

static void reads_qemu_inf(void **state)
{
    struct parse_error error = {0};
    struct inf inf;
    struct inf_match match;
    const char *const id = "PCI\\VEN_1B36&DEV_0003";
    size_t size;
    char *bytes = test_read_file("/usr/share/doc/qemu-system-data/qemupciserial.inf", &size);

    (void)state;
    if (!bytes)
        skip();
    char *space = malloc(encoding_scratch_size(size));
    if (!inf_open(&inf, bytes, size, space, encoding_scratch_size(size), &error))
        fail_msg("%s: %s", error.what, error.detail);
    assert_true(inf_match(&inf, &(struct inf_device_ids){&id, 1, NULL, 0}, &match));
    assert_string_equal(match.install, "ComPort_inst2");
    free(space);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SENTENCE("the version section gives class, provider and date", reads_version),
        SENTENCE("the best model is picked by hardware and compatible ids", picks_models),
        SENTENCE("the most specific decoration that admits x64 wins", weighs_decorations),
        SENTENCE("the associated service is found with its binary", finds_service),
        SENTENCE("AddReg values of every type become registry data", reads_registry),
        SENTENCE("malformed AddReg lines are refused with their line number", refuses_registry),
        SENTENCE("CopyFiles lists targets and sources in order", lists_files),
        SENTENCE("the INF that QEMU ships matches its own card", reads_qemu_inf),
    };

    return cmocka_run_group_tests_name("INF models", tests, NULL, NULL);
}
