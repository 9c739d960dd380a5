/*
 * suite.h - what every conformance driver is made of.
 *
 * A group is a folder with one TEST_GROUP and cases. suite.c is its WDM driver: it starts every
 * device that its INF matches, keeps them in TestDevices, and offers \\.\<driver>-test, to which
 * the console's `test` command, or a program on Windows, sends the control codes below. Cases
 * print KTAP; a case's name begins with the ids of the rules it rests on, then says the rule:
 *
 *     ExpectStatus(status, STATUS_INVALID_PARAMETER, "CIE-FULL-2 a NULL device is refused");
 *
 * suite.c       devices, PnP, control requests
 * device.c      how each kind of QEMU device is made to interrupt and to stop
 * connection.c  a connect call, its ISR and what that saw
 * helper.c      threads on other processors, pauses, requests below, bug checks to come
 * catch.c       exceptions that a call raises
 * shortage.c    calls of which an allocation fails
 *
 * Only documented routines are called, so the same file can be loaded on Windows.
 */
#pragma once

#include "wdk_lag.h"

#include "../../common/ktap.h"

#define TEST_TAG 0x74736554 /* "Test" */

/* Runs every case. Out: ULONG, how many failed. */
#define IOCTL_TEST_RUN CTL_CODE(FILE_DEVICE_UNKNOWN, 0xA00, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* In: ULONG, a number. Case of that number, which prints the bug check it expects and causes it. */
#define IOCTL_TEST_STOP CTL_CODE(FILE_DEVICE_UNKNOWN, 0xA01, METHOD_BUFFERED, FILE_ANY_ACCESS)
/* In: ULONG, a number. Case of that number, in step with what happens outside of the machine. */
#define IOCTL_TEST_STEP CTL_CODE(FILE_DEVICE_UNKNOWN, 0xA02, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef enum _TEST_KIND {
    TestKindOther,
    TestKindEdu,    /* INTx or one MSI message */
    TestKindE1000e, /* INTx, or five MSI-X messages that it is not made to send */
    TestKindSerial, /* pci-serial: INTx only */
    TestKindXhci,   /* nec-usb-xhci: INTx or 16 MSI messages (msix=off); is not made to interrupt */
    TestKindNvme,   /* INTx or MSI-X messages by the dozen; is not made to interrupt */
    TestKindRocker, /* MSI-X messages and no INTx */
    TestKindNone,   /* pci-testdev: no interrupt */
    TestKindKeyboard, /* the 8042's: an edge-triggered line */
} TEST_KIND;

typedef struct _TEST_DEVICE {
    struct _TEST_DEVICE *Next;
    PDEVICE_OBJECT Self;
    PDEVICE_OBJECT Physical;
    PDEVICE_OBJECT Lower;
    TEST_KIND Kind;
    BOOLEAN Remapped; /* the INF says: a remapping unit is between it and the processors */
    BOOLEAN Started;
    volatile ULONG Starts;
    volatile BOOLEAN Settled; /* its children were asked for, which is the last of a start */
    volatile ULONG State;     /* until the next start: answer to QUERY_PNP_DEVICE_STATE */
    BOOLEAN StartLater;   /* the next START_DEVICE is left pending, and completed by a work item */
    NTSTATUS StartStatus; /* Started may set it: how START_DEVICE ends */
    PUCHAR Registers;     /* the first memory BAR, or NULL */
    ULONG RegistersLength;
    PUCHAR Ports;              /* the first port BAR, or NULL */
    volatile LONG Raised;      /* rocker: messages sent, which its registers do not tell */
    PCM_RESOURCE_LIST RawList; /* copies; NULL: none was given */
    PCM_RESOURCE_LIST TranslatedList;
    ULONG InterruptCount;                        /* descriptors below */
    PCM_PARTIAL_RESOURCE_DESCRIPTOR *Translated; /* the interrupts, in the order of the list */
    PCM_PARTIAL_RESOURCE_DESCRIPTOR *Raw;
} TEST_DEVICE, *PTEST_DEVICE;

typedef struct _TEST_GROUP {
    VOID (*Run)(VOID);                     /* or NULL: nothing but stops */
    VOID (*Stop)(ULONG Number);            /* or NULL */
    VOID (*Step)(ULONG Number);            /* or NULL */
    VOID (*Started)(PTEST_DEVICE Device);  /* or NULL: in START */
    VOID (*Removing)(PTEST_DEVICE Device); /* or NULL */
    VOID (*Filter)(PTEST_DEVICE Device, PIO_RESOURCE_REQUIREMENTS_LIST *List); /* or NULL */
    VOID (*Unloading)(VOID); /* or NULL: in DriverUnload */
    VOID (*Entry)(VOID);     /* or NULL: in DriverEntry, last */
} TEST_GROUP;

extern const TEST_GROUP TestGroup; /* the group's */
extern PTEST_DEVICE TestDevices;   /* in the order of their starts */
extern PDRIVER_OBJECT TestDriver;
extern KTAP TestReport;

/* The Index-th device of a kind, or NULL. */
PTEST_DEVICE TestFind(TEST_KIND Kind, ULONG Index);
/* The Index-th device that TestRaise can make interrupt by a line, or by messages. */
PTEST_DEVICE TestFindLine(ULONG Index);
PTEST_DEVICE TestFindMessage(ULONG Index);
/* TestRaise can make it interrupt by what it was given. */
BOOLEAN TestCanRaise(PTEST_DEVICE Device);
BOOLEAN TestIsMessage(PTEST_DEVICE Device);
BOOLEAN TestIsLine(PTEST_DEVICE Device);
/*
 * Says that the device's requirements have changed, and waits until it has been stopped and started
 * with what it has been given since. FALSE: it was not, or is gone.
 */
BOOLEAN TestRestart(PTEST_DEVICE Device);
/*
 * Sends the drivers below a plug and play request; Location has what differs from zero. Information
 * goes down and comes back.
 */
NTSTATUS TestSendPnp(PTEST_DEVICE Device, PIO_STACK_LOCATION Location, PULONG_PTR Information);
/* IRP_MN_QUERY_INTERFACE of the drivers below; the status it ends with. */
NTSTATUS TestQueryInterface(PTEST_DEVICE Device, const GUID *Type, PVOID Interface, USHORT Size,
                            USHORT Version);
/* The INF has put the DWORD 1 under this name into the device's hardware key. */
BOOLEAN TestIsMarked(PDEVICE_OBJECT Physical, PCWSTR Name);
/* Reads the function's configuration space; bytes that could not be read are 0. PASSIVE_LEVEL. */
VOID TestReadConfig(PTEST_DEVICE Device, ULONG Offset, PVOID Buffer, ULONG Length);
/* How many messages the device was given; an MSI descriptor counts as what it says. */
ULONG TestMessageCount(PTEST_DEVICE Device);

/* An exported routine, or NULL. */
PVOID TestRoutine(PCWSTR Name);
/* Completes an IRP with no more than that; what a dispatch routine then returns. */
NTSTATUS TestComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);

/* ---- judging ------------------------------------------------------------------------------- */

static inline VOID Expect(BOOLEAN Passed, PCSTR Name)
{
    KtapCheck(&TestReport, Passed, Name);
}

static inline VOID ExpectEqual(ULONG64 Got, ULONG64 Wanted, PCSTR Name)
{
    KtapEqual(&TestReport, Got, Wanted, Name);
}

static inline VOID ExpectStatus(NTSTATUS Got, NTSTATUS Wanted, PCSTR Name)
{
    KtapStatus(&TestReport, Got, Wanted, Name);
}

static inline VOID ExpectSkip(PCSTR Name, PCSTR Reason)
{
    KtapSkip(&TestReport, Name, Reason);
}

#define TEST_ANY 0xA4A4A4A4A4A4A4A4u /* of a bug check's parameter: not judged */

/* The next call must end in this bug check; the judge outside compares the parameters. */
VOID ExpectStop(ULONG Code, ULONG64 Parameter1, ULONG64 Parameter2, ULONG64 Parameter3,
                ULONG64 Parameter4, PCSTR Name);

/* ---- shortage ------------------------------------------------------------------------------ */

/* A call that may fail once for want of memory, and what is said of it then. */
typedef struct _TEST_ATTEMPT {
    PCSTR Name;
    NTSTATUS (*Try)(VOID); /* undoes what it did */
} TEST_ATTEMPT;

/* Makes each call, and those that fail once more. */
VOID TestAttempts(const TEST_ATTEMPT *Attempts, ULONG Count);
/* What a NULL result means for an attempt. */
NTSTATUS TestMade(PVOID Object);

/* ---- devices ------------------------------------------------------------------------------- */

/* By the PDO's first hardware id. */
TEST_KIND TestKindOf(PDEVICE_OBJECT Physical);
/* From reset to a state in which TestRaise works and nothing is raised. */
VOID TestDevicePrepare(PTEST_DEVICE Device);
/* Makes the device ask for its line, or send this message of its own table entry. */
VOID TestRaise(PTEST_DEVICE Device, ULONG Message);
/* TRUE: the device was asking; it has stopped. Any IRQL. */
BOOLEAN TestAcknowledge(PTEST_DEVICE Device);

/* edu only: after about 100 ms the device writes Value to a physical address by DMA. */
VOID TestEduWrite(PTEST_DEVICE Device, ULONG Address, ULONG Value);

/* ---- connections --------------------------------------------------------------------------- */

#define TEST_MESSAGES 16

struct _TEST_CONNECTION;
/* What an ISR does after the suite has noted the call; the result is what it returns. */
typedef BOOLEAN (*TEST_BODY)(struct _TEST_CONNECTION *Connection, PKINTERRUPT Interrupt,
                             ULONG MessageId);

/* A body that claims whatever comes. */
BOOLEAN TestClaim(struct _TEST_CONNECTION *Connection, PKINTERRUPT Interrupt, ULONG MessageId);

typedef struct _TEST_CONNECTION {
    PTEST_DEVICE Device;
    IO_CONNECT_INTERRUPT_PARAMETERS Parameters;
    union {
        PVOID Context; /* what the system stored */
        PKINTERRUPT Object;
        PIO_INTERRUPT_MESSAGE_INFO Table;
    };
    TEST_BODY Body; /* NULL: TRUE if the device was asking */
    PVOID BodyContext;
    volatile LONG Calls;
    volatile LONG Claims;
    volatile LONG Inside; /* calls under way */
    volatile LONG MostInside;
    volatile LONG Fallbacks; /* calls of the two-argument routine */
    volatile LONG MessageCalls[TEST_MESSAGES];
    volatile PKINTERRUPT Interrupt; /* the last call's */
    volatile ULONG MessageId;
    volatile ULONG Irql;
    volatile ULONG Processor;
    volatile ULONG_PTR Flags; /* RFLAGS */
    volatile ULONG_PTR Stack; /* where in the stack */
    volatile PKTHREAD Thread;
} TEST_CONNECTION, *PTEST_CONNECTION;

#define FULL(Connection) ((Connection)->Parameters.FullySpecified)
#define LINE(Connection) ((Connection)->Parameters.LineBased)
#define MESSAGE(Connection) ((Connection)->Parameters.MessageBased)

/* Zeroed, and filled as the documents say; Index: which translated descriptor, from 0. */
VOID TestPrepareFull(PTEST_CONNECTION Connection, PTEST_DEVICE Device, ULONG Index);
VOID TestPrepareLine(PTEST_CONNECTION Connection, PTEST_DEVICE Device);
VOID TestPrepareMessage(PTEST_CONNECTION Connection, PTEST_DEVICE Device, BOOLEAN Fallback);
NTSTATUS TestConnect(PTEST_CONNECTION Connection);
/* IoConnectInterrupt, with the members of FullySpecified. */
NTSTATUS TestConnectLegacy(PTEST_CONNECTION Connection);
/* With the Version the call returned. No effect when nothing is connected. */
VOID TestDisconnect(PTEST_CONNECTION Connection);
VOID TestDisconnectAs(ULONG Version, PVOID Context);
/* Soft connects, or disconnects, the object: IoReportInterruptActive, IoReportInterruptInactive. */
VOID TestSetActive(PTEST_CONNECTION Connection, BOOLEAN Active);
VOID TestResetCounts(PTEST_CONNECTION Connection);
/*
 * A call that must be refused: with this status, without touching the structure, and leaving
 * nothing in the output variable that could pass for an object.
 */
VOID TestRefuse(PTEST_CONNECTION Connection, NTSTATUS Wanted, PCSTR Name);
/* Waits for so many calls; then a little for more than that. */
BOOLEAN TestWaitCalls(PTEST_CONNECTION Connection, LONG Calls);
PKINTERRUPT TestObject(PTEST_CONNECTION Connection);
/*
 * Raises a message, or the line, while this processor holds an object's interrupt spin lock: how
 * many calls came before that was released. Waits for one, but no longer than so many milliseconds.
 */
LONG TestCallsUnderLock(PTEST_CONNECTION Connection, PKINTERRUPT Object, ULONG Message,
                        ULONG Milliseconds);
/* One raise makes one call, at this IRQL, with the object and the context of the connection. */
VOID TestExpectCall(PTEST_CONNECTION Connection, ULONG Message, ULONG Irql, PCSTR Name);
/* A raise makes no call; then the device is made quiet. */
VOID TestExpectSilence(PTEST_CONNECTION Connection, ULONG Message, PCSTR Name);
/* A body that takes BodyContext microseconds before it acknowledges. */
BOOLEAN TestSlowBody(PTEST_CONNECTION Connection, PKINTERRUPT Interrupt, ULONG MessageId);
/* A body that notes whether the spin lock BodyContext is held. */
BOOLEAN TestLockBody(PTEST_CONNECTION Connection, PKINTERRUPT Interrupt, ULONG MessageId);
extern volatile LONG TestLockHeld;
/* The processor, or the lowest of those, that an interrupt goes to. */
ULONG TestInterruptProcessor(PKINTERRUPT Object);
/* The level of a device's first interrupt, as translated. */
KIRQL TestLevel(PTEST_DEVICE Device);

BOOLEAN NTAPI TestServiceRoutine(PKINTERRUPT Interrupt, PVOID Context);
BOOLEAN NTAPI TestMessageRoutine(PKINTERRUPT Interrupt, PVOID Context, ULONG MessageId);

/* The usual way of a case: FALSE, and a failed case of this name, when connecting failed. */
BOOLEAN TestConnectOrFail(PTEST_CONNECTION Connection, PCSTR Name);

/* ---- time, threads, processors -------------------------------------------------------------- */

typedef VOID (*TEST_THREAD_ROUTINE)(PVOID Context);

typedef struct _TEST_THREAD {
    TEST_THREAD_ROUTINE Routine;
    PVOID Context;
    ULONG Processor;
    PVOID Object;
} TEST_THREAD, *PTEST_THREAD;

VOID TestPause(ULONG Milliseconds);
/* KeWaitForSingleObject for at most so long; 0 looks only. */
NTSTATUS TestWait(PVOID Object, ULONG Milliseconds);
ULONG TestProcessors(VOID);
ULONG TestCurrentProcessor(VOID);
/* The calling thread, from now on, on this processor; TestAnywhere undoes it. */
VOID TestGoTo(ULONG Processor);
VOID TestAnywhere(VOID);
/* A thread on one processor, until its routine returns. */
BOOLEAN TestThreadStart(PTEST_THREAD Thread, ULONG Processor, TEST_THREAD_ROUTINE Routine,
                        PVOID Context);
VOID TestThreadJoin(PTEST_THREAD Thread);
/* Calls the routine; what it raises, else STATUS_SUCCESS. One thread at a time. IRQL < DISPATCH. */
NTSTATUS TestCatch(TEST_THREAD_ROUTINE Routine, PVOID Context);
/* Waits, at whatever IRQL, until *Value is at least Least; FALSE after so many milliseconds. */
BOOLEAN TestSpinUntil(volatile LONG *Value, LONG Least, ULONG Milliseconds);
/* The only processor of a set, or the lowest of it. */
ULONG TestLowestProcessor(KAFFINITY Set);
/* Some other processor than this one; itself when there is only one. */
ULONG TestOtherProcessor(ULONG Processor);
