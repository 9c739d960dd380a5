/*
 * pool_wdk.c - the ExAllocatePool family, for drivers.
 *
 * All pool types are served from the one pool: nonpaged, not executable. NonPagedPool and
 * NonPagedPoolExecute are the same number in Windows' headers, so that a driver that asks for it
 * gets memory that cannot be executed, as with Windows' own NX opt-in; ExAllocatePool2, where the
 * wish is explicit, refuses it. Paged types carry their IRQL limit only. Quota is charged to
 * nobody: the one process is the system's, as with Windows' system threads.
 *
 * A cache-aligned block may begin inside a plain one; the 16 bytes before it then hold an alias
 * header that tells how far back the block begins.
 *
 * Owns: flags, IRQL rules, alignment, zeroing, failure by exception. Owns not: blocks
 * (pool_check.c).
 */
#include <hal/upcall.h>
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/bugcodes.h>
#include <nt/wdm.h>

#include "mm/mm.h"
#include "mm/pool.h"
#include "mm/pool_block.h"

/* WDK "Bug Check 0xC2", spec BC-C2-1 */
enum {
    BAD_CALLER_ALLOCATE_IRQL = 0x08,
    BAD_CALLER_FREE_IRQL = 0x09,
    BAD_CALLER_SECURE_POOL = 0x99, /* no kind is named: memory of a pool that there is not */
    BAD_CALLER_TAG_ZERO = 0x9B,
};

/* WDK "ExFreePoolWithTag": the bit of a tag that once marked protected pool */
#define POOL_TAG_PROTECTED 0x80000000u

#define POOL_TAG_NONE MM_TAG("None")

/* What ...SpecialPoolUnderrun has and ...SpecialPoolOverrun has not (WDK "EX_POOL_PRIORITY"). */
#define POOL_PRIORITY_START 1u

static bool pool_type_is_paged(ULONG type)
{
    return (type & 1) != 0;
}

static bool pool_type_is_aligned(ULONG type)
{
    return (type & NonPagedPoolCacheAligned) != 0;
}

static void pool_require_irql(ULONG type, SIZE_T size)
{
    irql_t limit = pool_type_is_paged(type) ? APC_LEVEL : DISPATCH_LEVEL;

    if (hal_irql_read() > limit) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_ALLOCATE_IRQL, hal_irql_read(), type, size, NULL);
    }
}

static void *pool_alloc_aligned(SIZE_T size, ULONG tag)
{
    const size_t shift_max = SYSTEM_CACHE_ALIGNMENT_SIZE - POOL_ALIGNMENT;
    struct pool_header *alias;
    uint8_t *block;
    uint8_t *aligned;

    if (size + shift_max > POOL_SMALL_MAX) {
        return mm_pool_alloc_raw(size < HAL_PAGE_SIZE ? HAL_PAGE_SIZE : size, tag);
    }
    block = mm_pool_alloc_raw(size + shift_max, tag);
    if (block == NULL) {
        return NULL;
    }
    aligned = (uint8_t *)ALIGN_UP(block, SYSTEM_CACHE_ALIGNMENT_SIZE);
    if (aligned == block) {
        return block;
    }
    alias = pool_block_header(aligned);
    *alias = (struct pool_header){.offset = (uint16_t)(aligned - block)};
    pool_header_seal(alias, POOL_ALIAS);
    return aligned;
}

/* The block that an aligned pointer lies in; any other pointer is its own block. */
static void *pool_unalias(void *pointer)
{
    struct pool_header *header = pool_block_header(pointer);

    if (IS_ALIGNED(pointer, HAL_PAGE_SIZE) || !mm_pool_owns(pointer) ||
        header->state != POOL_ALIAS || header->check != pool_header_check(header)) {
        return pointer;
    }
    header->state = POOL_FREE;
    return (uint8_t *)pointer - header->offset;
}

/* Low, normal or high; alone, or with the end of its page where special pool puts the block. */
static bool pool_priority_is_valid(EX_POOL_PRIORITY priority)
{
    const ULONG levels = NormalPoolPriority | HighPoolPriority;
    const ULONG places = LowPoolPrioritySpecialPoolOverrun | LowPoolPrioritySpecialPoolUnderrun;

    return !((ULONG)priority & ~(levels | places)) && ((ULONG)priority & levels) != levels &&
           ((ULONG)priority & places) != POOL_PRIORITY_START;
}

static void *pool_alloc_typed(ULONG type, SIZE_T size, ULONG tag, EX_POOL_PRIORITY priority,
                              const void *caller)
{
    void *block = NULL;

    pool_require_irql(type, size);
    if (tag == 0) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_TAG_ZERO, type, size, (uintptr_t)caller, NULL);
    }
    tag &= ~POOL_TAG_PROTECTED;
    if (!mm_image_owns(caller) || !pool_injection_is_due(0)) {
        if (pool_type_is_aligned(type)) {
            block = pool_alloc_aligned(size, tag);
        } else if (size < HAL_PAGE_SIZE && pool_special_wanted(caller)) {
            block = pool_special_alloc(size, tag, (ULONG)priority & POOL_PRIORITY_START);
        } else {
            block = mm_pool_alloc_raw(size, tag);
        }
    }
    if (mm_image_owns(caller)) {
        mm_pool_track_block(block, size, tag, pool_type_is_paged(type), caller);
    }
    if (block == NULL && (type & POOL_RAISE_IF_ALLOCATION_FAILURE)) {
        ke_raise_status(STATUS_INSUFFICIENT_RESOURCES);
    }
    return block;
}

/* The quota itself is nobody's; what remains is how a failure is told. */
static void *pool_alloc_quota(POOL_TYPE pool_type, SIZE_T size, ULONG tag, const void *caller)
{
    ULONG type = (ULONG)pool_type & ~(ULONG)POOL_QUOTA_FAIL_INSTEAD_OF_RAISE;

    if (!((ULONG)pool_type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE)) {
        type |= POOL_RAISE_IF_ALLOCATION_FAILURE;
    }
    return pool_alloc_typed(type, size, tag, NormalPoolPriority, caller);
}

static void pool_free(void *block, ULONG tag)
{
    if (hal_irql_read() > DISPATCH_LEVEL) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_FREE_IRQL, hal_irql_read(), NonPagedPool,
                     (uintptr_t)block, NULL);
    }
    mm_pool_untrack(block);
    mm_pool_free(pool_unalias(block), tag & ~POOL_TAG_PROTECTED);
}

/* Flags or parameters are not valid; the page says that an exception tells, and not which. */
static void *pool_refuse(POOL_FLAGS flags)
{
    if (flags & POOL_FLAG_RAISE_ON_FAILURE) {
        ke_raise_status(STATUS_INVALID_PARAMETER);
    }
    return NULL;
}

static void *pool_alloc_flags(POOL_FLAGS flags, SIZE_T size, ULONG tag, EX_POOL_PRIORITY priority,
                              const void *caller)
{
    const POOL_FLAGS kinds = POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED;
    const POOL_FLAGS required =
        0x00000000FFFFFFFFull; /* the upper half is optional: may be unknown */
    const POOL_FLAGS known = kinds | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED |
                             POOL_FLAG_CACHE_ALIGNED | POOL_FLAG_RAISE_ON_FAILURE;
    ULONG type = flags & POOL_FLAG_PAGED ? PagedPool : NonPagedPoolNx;
    PVOID block;

    if (tag == 0 || size == 0 || !bits_is_power_of_two(flags & kinds) ||
        (flags & POOL_FLAG_NON_PAGED_EXECUTE) || (flags & required & ~known)) {
        return pool_refuse(flags);
    }
    type |= flags & POOL_FLAG_CACHE_ALIGNED ? NonPagedPoolCacheAligned : 0;
    type |= flags & POOL_FLAG_RAISE_ON_FAILURE ? POOL_RAISE_IF_ALLOCATION_FAILURE : 0;
    block = pool_alloc_typed(type, size, tag, priority, caller);
    if (block != NULL && !(flags & POOL_FLAG_UNINITIALIZED)) {
        memset(block, 0, size);
    }
    return block;
}

/* WDK surface */

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return pool_alloc_typed(PoolType, NumberOfBytes, Tag, NormalPoolPriority,
                            __builtin_return_address(0));
}
LDR_EXPORT(ExAllocatePoolWithTag);

PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return pool_alloc_typed(PoolType, NumberOfBytes, POOL_TAG_NONE, NormalPoolPriority,
                            __builtin_return_address(0));
}
LDR_EXPORT(ExAllocatePool);

PVOID NTAPI ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                          EX_POOL_PRIORITY Priority)
{
    return pool_alloc_typed(PoolType, NumberOfBytes, Tag, Priority, __builtin_return_address(0));
}
LDR_EXPORT(ExAllocatePoolWithTagPriority);

PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return pool_alloc_quota(PoolType, NumberOfBytes, Tag, __builtin_return_address(0));
}
LDR_EXPORT(ExAllocatePoolWithQuotaTag);

PVOID NTAPI ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return pool_alloc_quota(PoolType, NumberOfBytes, POOL_TAG_NONE, __builtin_return_address(0));
}
LDR_EXPORT(ExAllocatePoolWithQuota);

PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    return pool_alloc_flags(Flags, NumberOfBytes, Tag, NormalPoolPriority,
                            __builtin_return_address(0));
}
LDR_EXPORT(ExAllocatePool2);

static bool pool_parameter_is_met(const POOL_EXTENDED_PARAMETER *parameter)
{
    return parameter->Type == PoolExtendedParameterNumaNode ||
           (parameter->Type == PoolExtendedParameterPriority &&
            pool_priority_is_valid(parameter->Priority));
}

/* A parameter that must be met and cannot be makes it fail; level and node are hints. */
PVOID NTAPI ExAllocatePool3(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag,
                            PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                            ULONG ExtendedParametersCount)
{
    EX_POOL_PRIORITY priority = NormalPoolPriority;

    for (ULONG i = 0; i < ExtendedParametersCount; i++) {
        const POOL_EXTENDED_PARAMETER *parameter = &ExtendedParameters[i];
        bool is_met = pool_parameter_is_met(parameter);

        if (!is_met && !parameter->Optional) {
            return pool_refuse(Flags);
        }
        if (is_met && parameter->Type == PoolExtendedParameterPriority) {
            priority = parameter->Priority;
        }
    }
    return pool_alloc_flags(Flags, NumberOfBytes, Tag, priority, __builtin_return_address(0));
}
LDR_EXPORT(ExAllocatePool3);

VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    pool_free(P, Tag);
}
LDR_EXPORT(ExFreePoolWithTag);

VOID NTAPI ExFreePool(PVOID P)
{
    pool_free(P, 0);
}
LDR_EXPORT(ExFreePool);

/* Parameters are those of a secure pool, of which there is none. */
VOID NTAPI ExFreePool2(PVOID P, ULONG Tag, PCPOOL_EXTENDED_PARAMETER ExtendedParameters,
                       ULONG ExtendedParametersCount)
{
    if (ExtendedParametersCount != 0) {
        lib_bugcheck(BAD_POOL_CALLER, BAD_CALLER_SECURE_POOL, (uintptr_t)P, ExtendedParametersCount,
                     (uintptr_t)ExtendedParameters, NULL);
    }
    pool_free(P, Tag);
}
LDR_EXPORT(ExFreePool2);
