/*
 * upcall.c - memory for processors that are about to start: what arch/x86_64 asks of mm.
 */
#include <hal/upcall.h>
#include <lib/string.h>

#include "mm/mm.h"

void *hal_upcall_stack_alloc(uint64_t size)
{
    uint8_t *stack = mm_stack_alloc(size);

    return stack != NULL ? stack + size : NULL;
}

void *hal_upcall_pages_alloc(uint64_t size)
{
    const struct mm_page_request request = {
        .count = (size + HAL_PAGE_SIZE - 1) / HAL_PAGE_SIZE,
        .owner = MM_OWNER_KERNEL,
    };
    phys_addr_t base = mm_pages_alloc(&request);
    void *pages = base != 0 ? hal_direct_map(base) : NULL;

    if (pages != NULL)
        memset(pages, 0, request.count * HAL_PAGE_SIZE);
    return pages;
}
