/*
 * registry-filter.c - registry filters: asked before an operation, told after it, in the order of
 * their altitudes.
 */
#include "suite.h"

NTKERNELAPI NTSTATUS NTAPI CmCallbackGetKeyObjectIDEx(PLARGE_INTEGER Cookie, PVOID Object,
                                                      PULONG_PTR ObjectID,
                                                      PCUNICODE_STRING *ObjectName, ULONG Flags);
NTKERNELAPI VOID NTAPI CmCallbackReleaseKeyObjectIDEx(PCUNICODE_STRING ObjectName);

#define KEY_PATH L"\\Registry\\Machine\\Software\\filtered"

typedef struct _FILTER {
    LARGE_INTEGER Cookie;
    CHAR Name;
    REG_NOTIFY_CLASS Class; /* what it does something about; the others it lets pass */
    NTSTATUS Answer;
    NTSTATUS ReturnStatus; /* with STATUS_CALLBACK_BYPASS after an operation */
    VOID (*Look)(struct _FILTER *Filter, PVOID Argument2); /* at that class; or NULL */
    ULONG Calls;
    PVOID Object;
    BOOLEAN Sound; /* what Look found */
    KIRQL Irql;
} FILTER, *PFILTER;

static FILTER High, Low;

/* The filters' calls of the classes that are watched, in their order: "H" or "L", then a letter. */
static CHAR Trail[64];
static ULONG TrailLength;

static const CHAR Letters[MaxRegNtNotifyClass] = {
    [RegNtPreSetValueKey] = 's',
    [RegNtPostSetValueKey] = 'S',
    [RegNtPreOpenKeyEx] = 'o',
    [RegNtPostOpenKeyEx] = 'O',
    [RegNtPreCreateKeyEx] = 'c',
    [RegNtPostCreateKeyEx] = 'C',
    [RegNtPreDeleteKey] = 'd',
    [RegNtPostDeleteKey] = 'D',
    [RegNtPreDeleteValueKey] = 'v',
    [RegNtPostDeleteValueKey] = 'V',
    [RegNtPreQueryValueKey] = 'q',
    [RegNtPostQueryValueKey] = 'Q',
    [RegNtPreEnumerateValueKey] = 'n',
    [RegNtPostEnumerateValueKey] = 'N',
    [RegNtPreQueryKey] = 'k',
    [RegNtPostQueryKey] = 'K',
    [RegNtPreEnumerateKey] = 'e',
    [RegNtPostEnumerateKey] = 'E',
    [RegNtPreFlushKey] = 'f',
    [RegNtPostFlushKey] = 'F',
    [RegNtPreKeyHandleClose] = 'h',
    [RegNtPostKeyHandleClose] = 'H',
    [RegNtCallbackObjectContextCleanup] = 'x',
};

static NTSTATUS NTAPI Callback(PVOID Context, PVOID Argument1, PVOID Argument2)
{
    REG_NOTIFY_CLASS class = (REG_NOTIFY_CLASS)(ULONG_PTR)Argument1;
    PFILTER filter = Context;

    if (TrailLength + 2 < sizeof(Trail)) {
        Trail[TrailLength++] = filter->Name;
        Trail[TrailLength++] = Letters[class];
        Trail[TrailLength] = 0;
    }
    filter->Irql = KeGetCurrentIrql();
    if (class != filter->Class)
        return STATUS_SUCCESS;
    filter->Calls++;
    if (filter->Look != NULL)
        filter->Look(filter, Argument2);
    if (filter->Answer == STATUS_CALLBACK_BYPASS && filter->ReturnStatus != STATUS_SUCCESS)
        ((PREG_POST_OPERATION_INFORMATION)Argument2)->ReturnStatus = filter->ReturnStatus;
    return filter->Answer;
}

static VOID Forget(VOID)
{
    TrailLength = 0;
    Trail[0] = 0;
}

static BOOLEAN Were(PCSTR Wanted)
{
    BOOLEAN same = strlen(Wanted) == TrailLength &&
                   RtlCompareMemory(Wanted, Trail, TrailLength) == TrailLength;

    if (!same)
        DbgPrint("# calls: %s\n", Trail);
    Forget();
    return same;
}

/* The filter does that about the class from now on; the trail is forgotten. */
static VOID Do(PFILTER Filter, REG_NOTIFY_CLASS Class, NTSTATUS Answer, PVOID Look)
{
    Filter->Class = Class;
    Filter->Answer = Answer;
    Filter->Look = (VOID(*)(PFILTER, PVOID))Look;
    Filter->ReturnStatus = STATUS_SUCCESS;
    Filter->Sound = FALSE;
    Forget();
}

static VOID DoNothing(VOID)
{
    Do(&High, MaxRegNtNotifyClass, STATUS_SUCCESS, NULL);
    Do(&Low, MaxRegNtNotifyClass, STATUS_SUCCESS, NULL);
}

static NTSTATUS RegisterAt(PFILTER Filter, CHAR Name, PCWSTR Altitude)
{
    UNICODE_STRING altitude;

    RtlZeroMemory(Filter, sizeof(*Filter));
    Filter->Name = Name;
    Filter->Class = MaxRegNtNotifyClass;
    RtlInitUnicodeString(&altitude, Altitude);
    return CmRegisterCallbackEx(Callback, &altitude, TestDriver, Filter, &Filter->Cookie, NULL);
}

static NTSTATUS OpenPath(PHANDLE Key, BOOLEAN Create, PULONG Disposition)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, KEY_PATH);
    InitializeObjectAttributes(&attributes, &name, OBJ_KERNEL_HANDLE, NULL, NULL);
    return Create ? ZwCreateKey(Key, KEY_ALL_ACCESS, &attributes, 0, NULL, 0, Disposition)
                  : ZwOpenKey(Key, KEY_ALL_ACCESS, &attributes);
}

static NTSTATUS SetValue(HANDLE Key, ULONG Value)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Value");

    return ZwSetValueKey(Key, &name, 0, REG_DWORD, &Value, sizeof(Value));
}

/* ~0: there is none. */
static ULONG GetValue(HANDLE Key)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Value");
    UCHAR buffer[64];
    PKEY_VALUE_PARTIAL_INFORMATION value = (PVOID)buffer;
    ULONG length;

    if (!NT_SUCCESS(ZwQueryValueKey(Key, &name, KeyValuePartialInformation, buffer, sizeof(buffer),
                                    &length)))
        return ~0u;
    return *(PULONG)value->Data;
}

/* ---- registration --------------------------------------------------------------------------- */

static VOID CheckRegistration(VOID)
{
    UNICODE_STRING nonsense = RTL_CONSTANT_STRING(L"high");
    LARGE_INTEGER none = {.QuadPart = -1};
    ULONG major = 0, minor = 0;
    FILTER third;

    CmGetCallbackVersion(&major, &minor);
    Expect(major == 1 && minor == 1, "CmGetCallbackVersion tells version 1.1");
    CmGetCallbackVersion(NULL, NULL);
    ExpectStatus(RegisterAt(&Low, 'L', L"320000.5"), STATUS_SUCCESS,
                 "CmRegisterCallbackEx registers a registry filter at an altitude");
    ExpectStatus(RegisterAt(&High, 'H', L"380000"), STATUS_SUCCESS, "and one at a higher altitude");
    ExpectStatus(RegisterAt(&third, 'T', L"0320000.50"), STATUS_FLT_INSTANCE_ALTITUDE_COLLISION,
                 "CmRegisterCallbackEx: no two filters have the same altitude");
    ExpectStatus(CmRegisterCallbackEx(Callback, &nonsense, TestDriver, &third, &third.Cookie, NULL),
                 STATUS_INVALID_PARAMETER, "an altitude is a number");
    Expect(High.Cookie.QuadPart != Low.Cookie.QuadPart, "each filter has a cookie of its own");
    ExpectStatus(CmUnRegisterCallback(none), STATUS_INVALID_PARAMETER,
                 "CmUnRegisterCallback refuses a cookie that is none");
}

static VOID CheckOldRegistration(HANDLE Key)
{
    FILTER old = {.Name = 'O', .Class = MaxRegNtNotifyClass};

    ExpectStatus(CmRegisterCallback(Callback, &old, &old.Cookie), STATUS_SUCCESS,
                 "CmRegisterCallback registers a filter without an altitude");
    DoNothing();
    SetValue(Key, 1);
    Expect(Were("OsHsLsLSHSOS"), "which is above all that have one");
    ExpectStatus(CmUnRegisterCallback(old.Cookie), STATUS_SUCCESS,
                 "CmUnRegisterCallback withdraws a filter");
    SetValue(Key, 1);
    Expect(Were("HsLsLSHS"), "it is not called any more");
    ExpectStatus(CmUnRegisterCallback(old.Cookie), STATUS_INVALID_PARAMETER,
                 "and its cookie is none any more");
}

/* ---- what filters are told ------------------------------------------------------------------ */

static BOOLEAN IsText(PCUNICODE_STRING Text, PCWSTR Wanted)
{
    UNICODE_STRING wanted;

    RtlInitUnicodeString(&wanted, Wanted);
    return Text != NULL && RtlEqualUnicodeString(Text, &wanted, TRUE);
}

static VOID LookAtCreate(PFILTER Filter, PVOID Argument2)
{
    PREG_CREATE_KEY_INFORMATION_V1 info = Argument2;

    Filter->Sound = IsText(info->CompleteName, KEY_PATH) && info->RootObject != NULL &&
                    info->DesiredAccess == KEY_ALL_ACCESS && info->Version == 1 &&
                    IsText(info->RemainingName, L"Machine\\Software\\filtered") &&
                    (info->Attributes & OBJ_KERNEL_HANDLE) != 0 &&
                    info->CheckAccessMode == KernelMode && *info->ResultObject == NULL;
    info->CallContext = Filter;
}

static VOID LookAtCreated(PFILTER Filter, PVOID Argument2)
{
    PREG_POST_OPERATION_INFORMATION info = Argument2;
    PREG_CREATE_KEY_INFORMATION_V1 before = info->PreInformation;

    Filter->Object = info->Object;
    Filter->Sound = info->Status == STATUS_SUCCESS && info->Object != NULL &&
                    *before->ResultObject == info->Object &&
                    *before->Disposition == REG_CREATED_NEW_KEY;
}

static VOID LookAtSet(PFILTER Filter, PVOID Argument2)
{
    PREG_SET_VALUE_KEY_INFORMATION info = Argument2;

    Filter->Sound = info->Object == High.Object && IsText(info->ValueName, L"Value") &&
                    info->Type == REG_DWORD && info->DataSize == sizeof(ULONG) &&
                    *(PULONG)info->Data == 7 && info->CallContext == NULL &&
                    info->ObjectContext == NULL;
    info->CallContext = Filter;
}

static VOID LookAfterSet(PFILTER Filter, PVOID Argument2)
{
    PREG_POST_OPERATION_INFORMATION info = Argument2;
    PREG_SET_VALUE_KEY_INFORMATION before = info->PreInformation;

    Filter->Sound = info->Object == High.Object && info->Status == STATUS_SUCCESS &&
                    info->CallContext == before->CallContext && before->DataSize == sizeof(ULONG);
}

static VOID LookAtHandleClose(PFILTER Filter, PVOID Argument2)
{
    Filter->Sound = ((PREG_KEY_HANDLE_CLOSE_INFORMATION)Argument2)->Object == High.Object;
}

static HANDLE CheckTold(VOID)
{
    HANDLE key = NULL, second = NULL;
    ULONG disposition = 0;

    DoNothing();
    Do(&High, RegNtPreCreateKeyEx, STATUS_SUCCESS, LookAtCreate);
    ExpectStatus(OpenPath(&key, TRUE, &disposition), STATUS_SUCCESS, "a key is created");
    Expect(Were("HcLcLCHC"), "the higher filter is asked first, and told last");
    Expect(High.Sound, "RegNtPreCreateKeyEx tells path, root, access and attributes");
    ExpectEqual(High.Irql, PASSIVE_LEVEL, "a registry filter is called at PASSIVE_LEVEL");
    ZwDeleteKey(key);
    ZwClose(key);
    Do(&High, RegNtPostCreateKeyEx, STATUS_SUCCESS, LookAtCreated);
    OpenPath(&key, TRUE, &disposition);
    Expect(High.Sound && disposition == REG_CREATED_NEW_KEY,
           "RegNtPostCreateKeyEx tells the key and what became of it");
    Do(&High, RegNtPreSetValueKey, STATUS_SUCCESS, LookAtSet);
    SetValue(key, 7);
    Expect(High.Sound, "RegNtPreSetValueKey tells key, name, type and data");
    Do(&High, RegNtPostSetValueKey, STATUS_SUCCESS, LookAfterSet);
    SetValue(key, 7);
    Expect(High.Sound, "RegNtPostSetValueKey tells the key, the status and what was told before");
    OpenPath(&second, FALSE, NULL);
    Do(&High, RegNtPreKeyHandleClose, STATUS_SUCCESS, LookAtHandleClose);
    ZwClose(second);
    Expect(High.Sound && Were("HhLhLHHH"), "RegNtPreKeyHandleClose tells of each handle's end");
    return key;
}

/* Each operation, once. */
static VOID CheckClasses(HANDLE Key)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Value");
    UCHAR buffer[200];
    ULONG length;
    HANDLE second;

    DoNothing();
    OpenPath(&second, FALSE, NULL);
    Expect(Were("HoLoLOHO"), "RegNtPreOpenKeyEx and RegNtPostOpenKeyEx");
    ZwClose(second);
    Forget();
    GetValue(Key);
    Expect(Were("HqLqLQHQ"), "RegNtPreQueryValueKey and RegNtPostQueryValueKey");
    ZwEnumerateValueKey(Key, 0, KeyValueBasicInformation, buffer, sizeof(buffer), &length);
    Expect(Were("HnLnLNHN"), "RegNtPreEnumerateValueKey and RegNtPostEnumerateValueKey");
    ZwQueryKey(Key, KeyBasicInformation, buffer, sizeof(buffer), &length);
    Expect(Were("HkLkLKHK"), "RegNtPreQueryKey and RegNtPostQueryKey");
    ZwEnumerateKey(Key, 0, KeyBasicInformation, buffer, sizeof(buffer), &length);
    Expect(Were("HeLeLEHE"),
           "RegNtPreEnumerateKey and RegNtPostEnumerateKey, though there is none");
    ZwFlushKey(Key);
    Expect(Were("HfLfLFHF"), "RegNtPreFlushKey and RegNtPostFlushKey");
    SetValue(Key, 7);
    Forget();
    ZwDeleteValueKey(Key, &name);
    Expect(Were("HvLvLVHV"), "RegNtPreDeleteValueKey and RegNtPostDeleteValueKey");
}

/* ---- what filters do ------------------------------------------------------------------------ */

static VOID CheckRefusal(HANDLE Key)
{
    HANDLE second = NULL;

    SetValue(Key, 3);
    DoNothing();
    Do(&High, RegNtPreSetValueKey, STATUS_ACCESS_DENIED, NULL);
    ExpectStatus(SetValue(Key, 4), STATUS_ACCESS_DENIED,
                 "a filter that answers with a failure blocks the operation with its status");
    Expect(Were("Hs"), "those below are not called, and nobody is afterwards");
    DoNothing();
    ExpectEqual(GetValue(Key), 3, "the registry is as it was");
    Do(&Low, RegNtPreOpenKeyEx, STATUS_OBJECT_NAME_NOT_FOUND, NULL);
    ExpectStatus(OpenPath(&second, FALSE, NULL), STATUS_OBJECT_NAME_NOT_FOUND,
                 "a key can be kept from being opened");
    Expect(second == NULL, "no handle is given");
    DoNothing();
    Do(&Low, RegNtPreSetValueKey, STATUS_CALLBACK_BYPASS, NULL);
    ExpectStatus(SetValue(Key, 5), STATUS_SUCCESS,
                 "STATUS_CALLBACK_BYPASS: the filter has done the operation, which succeeds");
    Expect(Were("HsLs"), "without those who are told afterwards");
    DoNothing();
    ExpectEqual(GetValue(Key), 3, "and without the registry");
    Do(&High, RegNtPostQueryValueKey, STATUS_CALLBACK_BYPASS, NULL);
    High.ReturnStatus = STATUS_DEVICE_BUSY;
    ExpectEqual(GetValue(Key), ~0u, "STATUS_CALLBACK_BYPASS afterwards puts ReturnStatus in place");
    DoNothing();
    Do(&High, RegNtPostOpenKeyEx, STATUS_CALLBACK_BYPASS, NULL);
    High.ReturnStatus = STATUS_ACCESS_DENIED;
    ExpectStatus(OpenPath(&second, FALSE, NULL), STATUS_ACCESS_DENIED,
                 "a success can be made a failure");
    DoNothing();
}

static HANDLE InnerKey;

static VOID SetInside(PFILTER Filter, PVOID Argument2)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"Inner");
    ULONG value = 1;

    UNREFERENCED_PARAMETER(Argument2);
    Filter->Sound = NT_SUCCESS(ZwSetValueKey(InnerKey, &name, 0, REG_DWORD, &value, sizeof(value)));
}

static VOID CheckNesting(HANDLE Key)
{
    DoNothing();
    InnerKey = Key;
    Do(&High, RegNtPreQueryValueKey, STATUS_SUCCESS, SetInside);
    GetValue(Key);
    Expect(High.Sound && Were("HqLsLSLqLQHQ"),
           "what a filter does to the registry goes to those below it only");
    DoNothing();
}

/* ---- what filters know of keys -------------------------------------------------------------- */

static VOID CheckNames(HANDLE Key)
{
    PCUNICODE_STRING name = NULL, own = NULL;
    LARGE_INTEGER none = {.QuadPart = -1};
    ULONG_PTR id = 0, again = 0;

    ExpectStatus(CmCallbackGetKeyObjectID(&High.Cookie, High.Object, &id, &name), STATUS_SUCCESS,
                 "CmCallbackGetKeyObjectID tells a key's identifier and name");
    Expect(id != 0 && IsText(name, KEY_PATH), "the name is the key's whole path");
    ExpectStatus(CmCallbackGetKeyObjectID(&Low.Cookie, High.Object, &again, NULL), STATUS_SUCCESS,
                 "either may be left out");
    ExpectEqual(again, id, "the identifier is the same for all");
    ExpectStatus(CmCallbackGetKeyObjectID(&none, High.Object, &id, &name), STATUS_INVALID_PARAMETER,
                 "CmCallbackGetKeyObjectID refuses a cookie that is none");
    ExpectStatus(CmCallbackGetKeyObjectID(&High.Cookie, TestDevices->Self, &id, &name),
                 STATUS_INVALID_PARAMETER, "and an object that is no key");
    ExpectStatus(CmCallbackGetKeyObjectIDEx(&High.Cookie, High.Object, &again, &own, 0),
                 STATUS_SUCCESS, "CmCallbackGetKeyObjectIDEx tells them, too");
    Expect(again == id && own != name && IsText(own, KEY_PATH),
           "the name is the caller's own, until CmCallbackReleaseKeyObjectIDEx");
    CmCallbackReleaseKeyObjectIDEx(own);
    ExpectStatus(CmCallbackGetKeyObjectIDEx(&High.Cookie, High.Object, &again, &own, 1),
                 STATUS_INVALID_PARAMETER, "CmCallbackGetKeyObjectIDEx knows no flags");
    UNREFERENCED_PARAMETER(Key);
}

static PVOID Cleaned;

static VOID LookAtContext(PFILTER Filter, PVOID Argument2)
{
    Filter->Sound = ((PREG_QUERY_VALUE_KEY_INFORMATION)Argument2)->ObjectContext == Filter;
}

static VOID LookAtCleanup(PFILTER Filter, PVOID Argument2)
{
    PREG_CALLBACK_CONTEXT_CLEANUP_INFORMATION info = Argument2;

    Filter->Sound = info->Object == High.Object;
    Cleaned = info->ObjectContext;
}

/* Closes the key. */
static VOID CheckContexts(HANDLE Key)
{
    LARGE_INTEGER none = {.QuadPart = -1};
    PVOID old = &old;

    ExpectStatus(CmSetCallbackObjectContext(High.Object, &none, &High, &old),
                 STATUS_INVALID_PARAMETER,
                 "CmSetCallbackObjectContext refuses a cookie that is none");
    ExpectStatus(CmSetCallbackObjectContext(High.Object, &High.Cookie, &Low, &old), STATUS_SUCCESS,
                 "CmSetCallbackObjectContext gives a key a context of the filter's");
    Expect(old == NULL, "where there was none");
    CmSetCallbackObjectContext(High.Object, &High.Cookie, &High, &old);
    Expect(old == &Low, "another context takes the place of the first");
    CmSetCallbackObjectContext(High.Object, &Low.Cookie, &Low, NULL);
    Do(&High, RegNtPreQueryValueKey, STATUS_SUCCESS, LookAtContext);
    Do(&Low, RegNtPreQueryValueKey, STATUS_SUCCESS, LookAtContext);
    GetValue(Key);
    Expect(High.Sound && Low.Sound, "ObjectContext is what this filter has given this key");
    Do(&Low, RegNtCallbackObjectContextCleanup, STATUS_SUCCESS, LookAtCleanup);
    CmUnRegisterCallback(Low.Cookie);
    Expect(Low.Sound && Cleaned == &Low && Were("Lx"),
           "CmUnRegisterCallback has a filter clean up its contexts");
    Do(&High, RegNtCallbackObjectContextCleanup, STATUS_SUCCESS, LookAtCleanup);
    ZwDeleteKey(Key);
    Expect(Were("HdHD"), "RegNtPreDeleteKey and RegNtPostDeleteKey");
    ZwClose(Key);
    Expect(High.Sound && Cleaned == &High && TrailLength >= 6,
           "so has the end of a key's last handle");
}

static VOID Run(VOID)
{
    HANDLE key;

    CheckRegistration();
    key = CheckTold();
    CheckClasses(key);
    CheckRefusal(key);
    CheckNesting(key);
    CheckOldRegistration(key);
    CheckNames(key);
    CheckContexts(key);
    CmUnRegisterCallback(High.Cookie);
}

/* One of the allocations fails. */
static VOID CheckShortage(VOID)
{
    NTSTATUS status = RegisterAt(&High, 'H', L"380000");

    if (NT_SUCCESS(status))
        CmUnRegisterCallback(High.Cookie);
    else
        ExpectStatus(status, STATUS_INSUFFICIENT_RESOURCES,
                     "CmRegisterCallbackEx without memory: STATUS_INSUFFICIENT_RESOURCES");
    RtlZeroMemory(&Low, sizeof(Low));
    status = CmRegisterCallback(Callback, &Low, &Low.Cookie);
    if (NT_SUCCESS(status))
        CmUnRegisterCallback(Low.Cookie);
    else
        ExpectStatus(status, STATUS_INSUFFICIENT_RESOURCES,
                     "CmRegisterCallback without memory: STATUS_INSUFFICIENT_RESOURCES");
}

/* 0: without memory; 1: a filter that the console lists; 2: it goes. */
static VOID Step(ULONG Number)
{
    if (Number == 0)
        CheckShortage();
    else if (Number == 1)
        RegisterAt(&High, 'H', L"380000.5");
    else
        CmUnRegisterCallback(High.Cookie);
}

const TEST_GROUP TestGroup = {.Run = Run, .Step = Step};
