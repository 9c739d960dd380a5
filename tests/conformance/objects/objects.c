/*
 * objects.c - objects and handles: references, queries, files, timers, keys, regions of memory,
 * threads and the one process; who is told of what comes and goes.
 */
#include "objects.h"

HANDLE OpenKey(VOID)
{
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    HANDLE key = NULL;

    NameAttributes(&attributes, &name, L"\\Registry\\Machine\\Software\\ObjectsTest");
    ZwCreateKey(&key, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, NULL);
    return key;
}

VOID NameAttributes(POBJECT_ATTRIBUTES Attributes, PUNICODE_STRING Name, PCWSTR Text)
{
    RtlInitUnicodeString(Name, Text);
    InitializeObjectAttributes(Attributes, Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
}

BOOLEAN WaitUntilAtLeast(volatile LONG *Value, LONG Least, ULONG Milliseconds)
{
    for (; *Value < Least && Milliseconds != 0; Milliseconds--)
        TestPause(1);
    return *Value >= Least;
}

static VOID Run(VOID)
{
    if (!FilesBegin()) {
        Expect(FALSE, "the device for files can be made");
        return;
    }
    CheckReferences();
    CheckHandles();
    CheckFiles();
    CheckRights();
    CheckFileFacts();
    FilesEnd();
    CheckTimers();
    CheckKeys();
    CheckValues();
    CheckVirtualMemory();
    CheckProcesses();
    CheckNotifications();
}

/* 0 to 2: images; 3: handles are held; 4: all but one are closed; 5: long names. */
static VOID Step(ULONG Number)
{
    KtapBegin(&TestReport);
    if (Number <= 2)
        StepImages(Number);
    else if (Number <= 4)
        HoldHandles(Number == 3);
    else
        MakeLongNames();
    KtapEnd(&TestReport);
}

const TEST_GROUP TestGroup = {.Run = Run, .Step = Step};
