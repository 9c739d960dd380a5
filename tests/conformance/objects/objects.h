/*
 * objects.h - what the files of the objects driver share.
 */
#pragma once

#include "suite.h"

/* What mingw-w64's headers keep for file systems, and what Windows exports undeclared. */
typedef enum _TEST_OBJECT_INFORMATION {
    TestObjectBasic = 0,
    TestObjectType = 2,
} TEST_OBJECT_INFORMATION;

typedef struct _TEST_OBJECT_BASIC { /* PUBLIC_OBJECT_BASIC_INFORMATION */
    ULONG Attributes;
    ACCESS_MASK GrantedAccess;
    ULONG HandleCount;
    ULONG PointerCount;
    ULONG Reserved[10];
} TEST_OBJECT_BASIC;

typedef struct _TEST_OBJECT_TYPE { /* PUBLIC_OBJECT_TYPE_INFORMATION */
    UNICODE_STRING TypeName;
    ULONG Reserved[22];
} TEST_OBJECT_TYPE;

typedef struct _TEST_KEY_NAME { /* KEY_NAME_INFORMATION */
    ULONG NameLength;
    WCHAR Name[1];
} TEST_KEY_NAME;

typedef struct _TEST_KEY_CACHED { /* KEY_CACHED_INFORMATION */
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex;
    ULONG SubKeys;
    ULONG MaxNameLen;
    ULONG Values;
    ULONG MaxValueNameLen;
    ULONG MaxValueDataLen;
    ULONG NameLength;
} TEST_KEY_CACHED;

typedef struct _TEST_FILE_NAME { /* FILE_NAME_INFORMATION */
    ULONG Length;
    WCHAR Name[1];
} TEST_FILE_NAME;

typedef struct _TEST_FILE_ALL { /* FILE_ALL_INFORMATION */
    FILE_BASIC_INFORMATION Basic;
    FILE_STANDARD_INFORMATION Standard;
    LARGE_INTEGER Index;
    ULONG EaSize;
    ACCESS_MASK Access;
    LARGE_INTEGER Position;
    ULONG Mode;
    ULONG Alignment;
    TEST_FILE_NAME Name;
} TEST_FILE_ALL;

#define TEST_FILE_ALL_CLASS 18

NTSYSAPI NTSTATUS NTAPI ZwQueryObject(HANDLE Handle, TEST_OBJECT_INFORMATION Class,
                                      PVOID Information, ULONG Length, PULONG ReturnLength);
NTSYSAPI NTSTATUS NTAPI ZwAllocateVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress,
                                                ULONG_PTR ZeroBits, PSIZE_T RegionSize,
                                                ULONG AllocationType, ULONG Protect);
NTSYSAPI NTSTATUS NTAPI ZwFreeVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress,
                                            PSIZE_T RegionSize, ULONG FreeType);
NTKERNELAPI NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes,
                                                   PVOID AccessState, ACCESS_MASK DesiredAccess,
                                                   POBJECT_TYPE ObjectType,
                                                   KPROCESSOR_MODE AccessMode, PVOID ParseContext,
                                                   PVOID *Object);

/* The value of an exported pointer, *PsThreadType for example. */
#define EXPORTED(Name) (*(PVOID *)TestRoutine(L## #Name))
#define TYPE(Name) ((POBJECT_TYPE)EXPORTED(Name))

#define NO_HANDLE ((HANDLE)(ULONG_PTR)0x7FFFFFFC) /* one that nobody has */

/* A registry key, and a name, for which there is a handle of no other use. */
HANDLE OpenKey(VOID);
VOID NameAttributes(POBJECT_ATTRIBUTES Attributes, PUNICODE_STRING Name, PCWSTR Text);
/* Polls for so many milliseconds. */
BOOLEAN WaitUntilAtLeast(volatile LONG *Value, LONG Least, ULONG Milliseconds);

/* files.c: the device \Device\objects-file, and an open file of it. */
BOOLEAN FilesBegin(VOID);
VOID FilesEnd(VOID);
NTSTATUS FileOpen(PHANDLE Handle, ULONG Options);
#define FILE_NAME L"\\objects file"  /* what its driver says it is called */
extern volatile LONG FileCloses;     /* IRP_MJ_CLOSE */
extern volatile PKTHREAD FileCloser; /* the thread that it came in */

VOID CheckReferences(VOID);
VOID CheckHandles(VOID);
VOID CheckFiles(VOID);
VOID CheckTimers(VOID);
VOID CheckKeys(VOID);
VOID CheckValues(VOID);
VOID CheckRights(VOID);
VOID CheckFileFacts(VOID);
VOID CheckVirtualMemory(VOID);
VOID CheckProcesses(VOID);
VOID CheckNotifications(VOID);
/* In step with what the console does. */
VOID StepImages(ULONG Number);
VOID HoldHandles(BOOLEAN Begin);
VOID MakeLongNames(VOID);
