/*
 * ntdef.h - the basic types of the Windows x64 kernel ABI.
 *
 * Owns: integer, handle, string and list types, the calling convention and the
 * import macros, OBJECT_ATTRIBUTES. No routine is declared here, so any layer
 * may include it.
 *
 * Two compilers read these headers:
 *   - x86_64-w64-mingw32-gcc, for drivers, with -Iinclude/nt: LLP64, so LONG is
 *     `long`; every routine is a DLL import;
 *   - an ELF x86-64 gcc, for the kernel, with -Iinclude -fshort-wchar: LP64, so
 *     LONG is `int` and the 64-bit types are `long`, which keeps them the same
 *     types as uint64_t, size_t and uintptr_t.
 * The kernel is compiled with -D_NTOSKRNL_, as Windows' own is. That switches
 * the import attributes off, and the C run-time declarations of wdm/crt.h.
 *
 * FORCEINLINE is the gnu_inline form of extern inline: the header's body is used
 * wherever the routine is called, and a kernel source file may still define the
 * exported routine of the same name out of line.
 *
 * A va_list that crosses the boundary has the Windows form, which the ELF
 * compiler calls __builtin_ms_va_list.
 */
#ifndef NT_NTDEF_H
#define NT_NTDEF_H

/* The MinGW compiler's own stddef.h needs MinGW's headers; its types come from the compiler. */
#ifdef __MINGW32__
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __WCHAR_TYPE__ wchar_t;
typedef __builtin_va_list va_list;
#ifndef va_start
#define va_start(List, Last) __builtin_va_start(List, Last)
#define va_end(List) __builtin_va_end(List)
#define va_arg(List, Type) __builtin_va_arg(List, Type)
#define va_copy(Target, Source) __builtin_va_copy(Target, Source)
#endif
#ifndef offsetof
#define offsetof(Type, Member) __builtin_offsetof(Type, Member)
#endif
#else
#include <stdarg.h>
#include <stddef.h>
#endif

#include "sal.h"

/* Calling convention and linkage */

#define NTAPI __attribute__((ms_abi))
#define FASTCALL NTAPI

#ifndef __MINGW32__
#define __cdecl NTAPI
#define __stdcall NTAPI
#define __fastcall NTAPI
#endif

#ifdef _NTOSKRNL_
#define DECLSPEC_IMPORT
#else
#define DECLSPEC_IMPORT __attribute__((dllimport))
#endif
#define NTKERNELAPI DECLSPEC_IMPORT
#define NTSYSAPI DECLSPEC_IMPORT
#define NTHALAPI DECLSPEC_IMPORT
#define NTSYSCALLAPI DECLSPEC_IMPORT

/*
 * A kernel variable that drivers know by a pointer to it: the import slot holds the variable's
 * address, so the slot itself, by the linker's name for it, is that pointer. The kernel exports
 * the variable and declares nothing.
 */
#ifdef _NTOSKRNL_
#define NTDATA_POINTER(Name) Name
#else
#define NTDATA_POINTER(Name) Name __asm__("__imp_" #Name)
#endif

#define FORCEINLINE extern __inline__ __attribute__((always_inline, gnu_inline))
#define CFORCEINLINE FORCEINLINE
#define DECLSPEC_NORETURN __attribute__((noreturn))
#define DECLSPEC_ALIGN(Bytes) __attribute__((aligned(Bytes)))
#define DECLSPEC_CACHEALIGN DECLSPEC_ALIGN(64)
#define DECLSPEC_SELECTANY __attribute__((weak))
#define POINTER_ALIGNMENT DECLSPEC_ALIGN(8)
#define UNALIGNED
#define RESTRICTED_POINTER
#define SYSTEM_CACHE_ALIGNMENT_SIZE 64

#ifndef _NTOSKRNL_
#define IN
#define OUT
#define OPTIONAL
#endif

#define UNREFERENCED_PARAMETER(Parameter) ((void)(Parameter))
#define DBG_UNREFERENCED_PARAMETER(Parameter) ((void)(Parameter))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(Variable) ((void)(Variable))
#define C_ASSERT(Expression) _Static_assert(Expression, #Expression)

/* Integers and characters */

#define VOID void
#define CONST const

typedef void *PVOID;
typedef char CHAR, CCHAR, *PCHAR, *PCCHAR, *PSTR, *PSZ, *NPSTR, *LPSTR;
typedef const char *PCSTR, *PCSZ, *LPCSTR, *PCCH;
typedef unsigned char UCHAR, BYTE, BOOLEAN, *PUCHAR, *PBOOLEAN;
typedef const unsigned char *PCUCHAR;
typedef short SHORT, CSHORT, *PSHORT;
typedef unsigned short USHORT, WORD, *PUSHORT;
typedef __WCHAR_TYPE__ WCHAR, *PWCHAR, *PWCH, *PWSTR, *LPWSTR, *PZZWSTR;
typedef const WCHAR *PCWCH, *PCWSTR, *LPCWSTR, *PCZZWSTR;
typedef int INT, BOOL;
typedef unsigned int UINT;

#ifdef __LP64__
typedef int LONG;
typedef unsigned int ULONG;
typedef long LONG64, LONGLONG, LONG_PTR, INT_PTR;
typedef unsigned long ULONG64, ULONGLONG, ULONG_PTR, UINT_PTR;
#else
typedef long LONG;
typedef unsigned long ULONG;
typedef long long LONG64, LONGLONG, LONG_PTR, INT_PTR;
typedef unsigned long long ULONG64, ULONGLONG, ULONG_PTR, UINT_PTR;
#endif

typedef LONG *PLONG;
typedef ULONG *PULONG, DWORD, CLONG, LOGICAL;
typedef LONG64 *PLONG64;
typedef ULONG64 *PULONG64, DWORD64, DWORDLONG;
typedef LONGLONG *PLONGLONG;
typedef ULONGLONG *PULONGLONG;
typedef LONG_PTR *PLONG_PTR, SSIZE_T, *PSSIZE_T;
typedef ULONG_PTR *PULONG_PTR, DWORD_PTR, SIZE_T, *PSIZE_T;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef signed char INT8, SCHAR, *PSCHAR;
typedef UCHAR UINT8;
typedef SHORT INT16;
typedef USHORT UINT16;
typedef int INT32, LONG32, *PLONG32;
typedef unsigned int UINT32, ULONG32, DWORD32, *PULONG32;
typedef LONG64 INT64;
typedef ULONG64 UINT64;

typedef LONG NTSTATUS, *PNTSTATUS;
typedef PVOID HANDLE, *PHANDLE;
typedef CCHAR KPROCESSOR_MODE;
typedef UCHAR KIRQL, *PKIRQL;
typedef LONG KPRIORITY;
typedef ULONG ACCESS_MASK, *PACCESS_MASK;
typedef ULONG LCID;
#define LOCALE_NEUTRAL ((LCID)0x0000)
#define LOCALE_USER_DEFAULT ((LCID)0x0400)
#define LOCALE_SYSTEM_DEFAULT ((LCID)0x0800)
typedef USHORT RTL_ATOM, *PRTL_ATOM;

#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef FALSE
#define FALSE 0
#define TRUE 1
#endif

#define MINCHAR 0x80
#define MAXCHAR 0x7f
#define MINSHORT 0x8000
#define MAXSHORT 0x7fff
#define MINLONG 0x80000000
#define MAXLONG 0x7fffffff
#define MAXUCHAR 0xff
#define MAXUSHORT 0xffff
#define MAXULONG 0xffffffff
#define MAXLONGLONG 0x7fffffffffffffffLL
#define UNICODE_NULL ((WCHAR)0)
#define ANSI_NULL ((CHAR)0)

typedef union _LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    };
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
    struct {
        ULONG LowPart;
        ULONG HighPart;
    };
    struct {
        ULONG LowPart;
        ULONG HighPart;
    } u;
    ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

/* NTSTATUS classes: the two top bits are the severity (WDK: Using NTSTATUS Values) */

#define NT_SUCCESS(Status) (((NTSTATUS)(Status)) >= 0)
#define NT_INFORMATION(Status) ((((ULONG)(Status)) >> 30) == 1)
#define NT_WARNING(Status) ((((ULONG)(Status)) >> 30) == 2)
#define NT_ERROR(Status) ((((ULONG)(Status)) >> 30) == 3)

/* Pointers and members */

#define FIELD_OFFSET(Type, Field) ((LONG) __builtin_offsetof(Type, Field))
#define UFIELD_OFFSET(Type, Field) ((ULONG) __builtin_offsetof(Type, Field))
#define RTL_FIELD_SIZE(Type, Field) (sizeof(((Type *)0)->Field))
#define RTL_SIZEOF_THROUGH_FIELD(Type, Field)                                                      \
    (FIELD_OFFSET(Type, Field) + RTL_FIELD_SIZE(Type, Field))
#define RTL_CONTAINS_FIELD(Struct, Size, Field)                                                    \
    ((((PCHAR)(&(Struct)->Field)) + sizeof((Struct)->Field)) <= (((PCHAR)(Struct)) + (Size)))
#define RTL_NUMBER_OF(Array) (sizeof(Array) / sizeof((Array)[0]))
#define ARRAYSIZE(Array) RTL_NUMBER_OF(Array)
#define CONTAINING_RECORD(Address, Type, Field)                                                    \
    ((Type *)((PCHAR)(Address) - __builtin_offsetof(Type, Field)))
#define Add2Ptr(Base, Bytes) ((PVOID)((PUCHAR)(Base) + (Bytes)))

/* Lists: doubly linked ring, singly linked, and the 16-byte interlocked head */

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY, *RESTRICTED_POINTER PRLIST_ENTRY;

typedef struct _SINGLE_LIST_ENTRY {
    struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

typedef struct DECLSPEC_ALIGN(16) _SLIST_ENTRY {
    struct _SLIST_ENTRY *Next;
} SLIST_ENTRY, *PSLIST_ENTRY;

typedef union DECLSPEC_ALIGN(16) _SLIST_HEADER {
    struct {
        ULONGLONG Alignment;
        ULONGLONG Region;
    };
    struct {
        ULONGLONG Depth : 16;
        ULONGLONG Sequence : 48;
        ULONGLONG Reserved : 4;
        ULONGLONG NextEntry : 60; /* the upper bits of a 16-byte aligned pointer */
    } HeaderX64;
} SLIST_HEADER, *PSLIST_HEADER;

/* Counted strings: Length and MaximumLength count bytes */

typedef struct _UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    PWCH Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct _STRING {
    USHORT Length;
    USHORT MaximumLength;
    PCHAR Buffer;
} STRING, *PSTRING, ANSI_STRING, *PANSI_STRING, OEM_STRING, *POEM_STRING;
typedef const STRING *PCSTRING, *PCANSI_STRING, *PCOEM_STRING;

#define RTL_CONSTANT_STRING(s)                                                                     \
    {                                                                                              \
        sizeof(s) - sizeof((s)[0]), sizeof(s), s                                                   \
    }
#define DECLARE_CONST_UNICODE_STRING(Variable, Text)                                               \
    const WCHAR Variable##_buffer[] = Text;                                                        \
    const UNICODE_STRING Variable = {sizeof(Text) - sizeof(WCHAR), sizeof(Text),                   \
                                     (PWCH)Variable##_buffer}
#define DECLARE_GLOBAL_CONST_UNICODE_STRING(Variable, Text)                                        \
    extern const UNICODE_STRING Variable;                                                          \
    DECLSPEC_SELECTANY const UNICODE_STRING Variable = RTL_CONSTANT_STRING(Text)
#define DECLARE_UNICODE_STRING_SIZE(Variable, Size)                                                \
    WCHAR Variable##_buffer[Size];                                                                 \
    UNICODE_STRING Variable = {0, (Size) * sizeof(WCHAR), Variable##_buffer}

/* Objects (WDK: OBJECT_ATTRIBUTES) */

typedef struct _OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    PUNICODE_STRING ObjectName;
    ULONG Attributes;
    PVOID SecurityDescriptor;
    PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;
typedef const OBJECT_ATTRIBUTES *PCOBJECT_ATTRIBUTES;

#define OBJ_INHERIT 0x00000002L
#define OBJ_PERMANENT 0x00000010L
#define OBJ_EXCLUSIVE 0x00000020L
#define OBJ_CASE_INSENSITIVE 0x00000040L
#define OBJ_OPENIF 0x00000080L
#define OBJ_OPENLINK 0x00000100L
#define OBJ_KERNEL_HANDLE 0x00000200L
#define OBJ_FORCE_ACCESS_CHECK 0x00000400L
#define OBJ_IGNORE_IMPERSONATED_DEVICEMAP 0x00000800L
#define OBJ_DONT_REPARSE 0x00001000L
#define OBJ_VALID_ATTRIBUTES 0x00001FF2L

#define InitializeObjectAttributes(Attribs, Name, Flags, Root, Security)                           \
    do {                                                                                           \
        (Attribs)->Length = sizeof(OBJECT_ATTRIBUTES);                                             \
        (Attribs)->RootDirectory = (Root);                                                         \
        (Attribs)->Attributes = (Flags);                                                           \
        (Attribs)->ObjectName = (Name);                                                            \
        (Attribs)->SecurityDescriptor = (Security);                                                \
        (Attribs)->SecurityQualityOfService = NULL;                                                \
    } while (0)

typedef struct _CLIENT_ID {
    HANDLE UniqueProcess;
    HANDLE UniqueThread;
} CLIENT_ID, *PCLIENT_ID;

/* Processor groups (WDK: GROUP_AFFINITY, PROCESSOR_NUMBER) */

typedef struct _GROUP_AFFINITY {
    KAFFINITY Mask;
    USHORT Group;
    USHORT Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;

typedef struct _PROCESSOR_NUMBER {
    USHORT Group;
    UCHAR Number;
    UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;

#define ALL_PROCESSOR_GROUPS 0xffff
#define MAXIMUM_PROC_PER_GROUP 64
#define MAXIMUM_PROCESSORS MAXIMUM_PROC_PER_GROUP

typedef enum _NT_PRODUCT_TYPE {
    NtProductWinNt = 1,
    NtProductLanManNt,
    NtProductServer
} NT_PRODUCT_TYPE,
    *PNT_PRODUCT_TYPE;
typedef enum _EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;
typedef enum _TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;
typedef enum _WAIT_TYPE { WaitAll, WaitAny } WAIT_TYPE;

#include "guiddef.h"

#endif
