/*
 * What a bug check says of the driver: its parameters as a sentence.
 *
 * For the codes that this kernel raises, with the parameters of spec section H.3 and of each code's
 * page ("Bug Check Code Reference"), or of docs/api.md where the code is ours to define. In a text
 * %1 to %4 stand for a parameter as a number, @1 to @4 for one as an address of code. Ordered as
 * they are looked for: the first row that fits counts.
 */
#include <lib/bits.h>
#include <lib/bugcheck.h>
#include <lib/format.h>

enum { PARAMETER_TEXT_MAX = 64 };

#define ANY UINT64_MAX /* parameter 1 may be what it will */

static const struct {
    uint32_t code;
    uint64_t first; /* parameter 1 */
    const char *text;
} bugcheck_meanings[] = {
    {0x01, ANY, "@1 disabled APCs and did not enable them again, or enabled them too often"},
    {0x09, ANY, "@4 asks at IRQL %2 for IRQL %3, which is lower"},
    {0x0A, ANY, "@4 used %1 at IRQL %2: there is no memory, or it waits, or asks for a lower IRQL"},
    {0x0C, ANY, "@4 waits for %1 objects: more than 64, or than 3 without wait blocks of its own"},
    {0x19, 0x20, "the header of the block of pool at %2 is overwritten"},
    {0x19, 0x21, "the block of pool at %2 has %3 bytes, and what is behind them is overwritten"},
    {0x1E, ANY, "nobody handled exception %1 of @2, at DISPATCH_LEVEL or above"},
    {0x20, ANY, "a thread ended that had not enabled its APCs again"},
    {0x50, ANY, "@3 used %1, where no memory is"},
    {0x7E, ANY, "nobody in the thread handled exception %1 of @2"},
    {0x7F, 0x08, "double fault: the kernel stack is used up"},
    {0x7F, ANY, "the processor raised exception %1, error code %2"},
    {0x9C, ANY, "the processor reports an error of the hardware: bank %1, status %3:%4"},
    {0xB8, ANY, "a DPC waits"},
    {0xBE, ANY, "%1 was written, which is read-only: code, constants or an image's header"},
    {0xBF, ANY, "the fast mutex %1 is acquired by the thread that owns it"},
    {0xC1, ANY, "what lies beside the block of pool at %1 is overwritten, first at %2"},
    {0xC2, 0x07, "the block of pool at %4 is freed again"},
    {0xC2, 0x08, "%4 bytes of pool type %3 are allocated at IRQL %2: too high for it"},
    {0xC2, 0x09, "the block of pool at %4 is freed at IRQL %2: too high for it"},
    {0xC2, 0x0A, "the block of pool at %2 has the tag %3, and is freed with %4"},
    {0xC2, 0x40, "%2 is freed, an address of user mode"},
    {0xC2, 0x46, "%2 is freed, where no block of pool begins"},
    {0xC2, 0x60, "%2 is freed as contiguous memory, and is none"},
    {0xC2, 0x9B, "@4 allocates pool with the tag 0"},
    {0xC8, ANY, "@2 returned at another IRQL than it was called at: %1 (now << 16, then << 8)"},
    {0xCA, 0x02, "a routine that needs a physical device object is given %2, which is none"},
    {0xCA, 0x09, "@4 disconnects %3 with Version %2, not that of its connection"},
    {0xCA, 0x0A, "a PnP notification routine of the driver %2 returned at IRQL %3, APC disable %4"},
    {0xCC, ANY, "@3 used %1, in pool that is freed"},
    {0xCD, ANY, "@3 used %1, behind the end of a block of pool"},
    {0xD1, ANY, "@4 used %1 at IRQL %2, where no memory is"},
    {0xD5, ANY, "@3 used %1, in pool that is freed"},
    {0xD6, ANY, "@3 used %1, behind the end of a block of pool"},
    {0xDA, ANY, "%2 is unmapped, and is not mapped"},
    {0xE1, ANY, "the work routine @1 returned at IRQL %2"},
    {0xE3, ANY, "the resource %1 is released for %2, which does not own it"},
    {0xE4, 0x01, "the work item %2 is queued, and was not served since it was queued before"},
    {0xF2, ANY,
     "the device of @1 interrupts on and on: it does not quiet it, or it is not its own"},
    {0xFC, ANY, "%1 is executed, where no code may be"},
    {0x121, 2, "@4 connects or disconnects an interrupt at IRQL %2, above %3"},
    {0x121, 3, "@4 disconnects %2, which is no connection"},
    {0x121, 4, "@2 is still connected to its interrupt, and its device or driver goes"},
    {0x121, 5, "@4 gives %3 to the timer %2, which does not allow it"},
    {0x131, 0x01, "extended processor state is saved or restored at IRQL %2"},
    {0x133, 0x00, "a DPC or ISR has run for %2 ticks of 1/64 s; %3 are allowed"},
    {0x133, 0x01, "a processor was at DISPATCH_LEVEL or above for more than %2 ticks of 1/64 s"},
    {0x139, 0x02, "a function's stack buffer is overrun: its security cookie is overwritten"},
    {0x139, 0x03, "a LIST_ENTRY is corrupt: an entry is removed twice, or memory overwritten"},
    {0x139, ANY, "a check that was compiled into the driver failed: kind %1"},
    {0x13B, ANY, "KeAcquireInterruptSpinLock or its release on a passive interrupt: %2"},
};

static const char *meaning_find(uint32_t code, uint64_t first)
{
    for (size_t i = 0; i < ARRAY_COUNT(bugcheck_meanings); i++)
        if (bugcheck_meanings[i].code == code &&
            (bugcheck_meanings[i].first == first || bugcheck_meanings[i].first == ANY))
            return bugcheck_meanings[i].text;
    return NULL;
}

/* "%3" or "@3"? The index of the parameter. */
static bool is_parameter(const char *text, uint32_t *index)
{
    if ((text[0] != '%' && text[0] != '@') || text[1] < '1' || text[1] > '4')
        return false;
    *index = (uint32_t)(text[1] - '1');
    return true;
}

bool lib_bugcheck_explain(uint32_t code, const uint64_t parameters[4], char *buffer, size_t size)
{
    const char *text = meaning_find(code, parameters[0]);
    char value[PARAMETER_TEXT_MAX];
    size_t length = 0;
    uint32_t index;

    if (text == NULL || size == 0)
        return false;
    for (; *text && length + 1 < size; text++) {
        if (!is_parameter(text, &index)) {
            buffer[length++] = *text;
            continue;
        }
        if (*text == '%')
            lib_snprintf(value, sizeof(value), "0x%lx", parameters[index]);
        else
            lib_symbol_describe(parameters[index], value, sizeof(value));
        for (const char *from = value; *from && length + 1 < size; from++)
            buffer[length++] = *from;
        text++;
    }
    buffer[length] = '\0';
    return true;
}
