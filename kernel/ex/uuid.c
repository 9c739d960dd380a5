/*
 * ex/uuid.c - ExUuidCreate: identifiers by time (RFC 4122 4.2), the node a random number (4.5).
 *
 * No network address goes into them, so they are unique on this computer only, and the status says
 * so.
 */
#include <lib/export.h>
#include <nt/ntddk.h>

#include "ke/lock.h"

#define UUID_EPOCH_TO_SYSTEM_TIME 0x146BF33E42C000ull /* 1582-10-15 to 1601-01-01 in 100 ns */

enum {
    UUID_VERSION_TIME = 1 << 12,
    UUID_VARIANT = 0x80,
    UUID_SEQUENCE_HIGH_MASK = 0x3F,
    UUID_NODE_MULTICAST = 1, /* no card has such an address */
    UUID_NODE_SIZE = 6,
};

static struct {
    KSPIN_LOCK lock;
    uint64_t last_time; /* each identifier has a time of its own */
    UCHAR node[UUID_NODE_SIZE];
    USHORT sequence;
} uuid;

/* Lock held. */
static void choose_node(void)
{
    ULONG seed = (ULONG)KeQueryPerformanceCounter(NULL).QuadPart;

    for (int i = 0; i < UUID_NODE_SIZE; i++)
        uuid.node[i] = (UCHAR)(RtlRandomEx(&seed) >> 8);
    uuid.node[0] |= UUID_NODE_MULTICAST;
    uuid.sequence = (USHORT)RtlRandomEx(&seed);
}

/* WDK surface */

/* RPC_NT_UUID_LOCAL_ONLY. IRQL = PASSIVE_LEVEL. WDK: ExUuidCreate */
NTSTATUS NTAPI ExUuidCreate(UUID *Uuid)
{
    LARGE_INTEGER now;
    uint64_t time;
    KIRQL irql;

    KeQuerySystemTime(&now);
    time = (uint64_t)now.QuadPart + UUID_EPOCH_TO_SYSTEM_TIME;
    KeAcquireSpinLock(&uuid.lock, &irql);
    if (uuid.last_time == 0)
        choose_node();
    if (time <= uuid.last_time)
        time = uuid.last_time + 1;
    uuid.last_time = time;
    Uuid->Data1 = (ULONG)time;
    Uuid->Data2 = (USHORT)(time >> 32);
    Uuid->Data3 = (USHORT)((time >> 48 & 0xFFF) | UUID_VERSION_TIME);
    Uuid->Data4[0] = (UCHAR)((uuid.sequence >> 8 & UUID_SEQUENCE_HIGH_MASK) | UUID_VARIANT);
    Uuid->Data4[1] = (UCHAR)uuid.sequence;
    for (int i = 0; i < UUID_NODE_SIZE; i++)
        Uuid->Data4[2 + i] = uuid.node[i];
    KeReleaseSpinLock(&uuid.lock, irql);
    return RPC_NT_UUID_LOCAL_ONLY;
}
LDR_EXPORT(ExUuidCreate);
