/*
 * machine.c - routines in assembly: instructions that fault, at places that C does not reach.
 */
#include "seh.h"

/* Entry points without a frame need no unwind data. */
__asm__(".text\n"
        ".globl ReadLong\n"
        "ReadLong: movl (%rcx), %eax\n"
        "    ret\n"
        ".globl WriteLong\n"
        "WriteLong: movl $1, (%rcx)\n"
        "    ret\n"
        ".globl DivideByZero\n"
        "DivideByZero: xorl %ecx, %ecx\n"
        "    xorl %edx, %edx\n"
        "    movl $1, %eax\n"
        "    divl %ecx\n"
        "    ret\n"
        ".globl ExecuteUndefined\n"
        "ExecuteUndefined: ud2\n"
        "    ret\n"
        ".globl HitBreakpoint\n"
        "HitBreakpoint: int3\n"
        "    ret\n");

/* Frames to unwind to, and through. */
__asm__(".text\n"
        ".globl CallResumable\n"
        ".seh_proc CallResumable\n"
        "CallResumable: subq $0x28, %rsp\n"
        "    .seh_stackalloc 0x28\n"
        "    .seh_endprologue\n"
        "    movq %rcx, %rax\n"
        "    movq %rsp, %rcx\n"
        "    callq *%rax\n"
        "    xorl %eax, %eax\n"
        ".globl ResumeWithValue\n"
        "ResumeWithValue: addq $0x28, %rsp\n"
        "    retq\n"
        ".globl ResumeWithSeven\n"
        "ResumeWithSeven: movl $7, %eax\n"
        "    jmp ResumeWithValue\n"
        ".globl EndOfResumable\n"
        "EndOfResumable:\n"
        "    .seh_endproc\n"
        ".globl CallNoted\n"
        ".seh_proc CallNoted\n"
        ".seh_handler NoteUnwind, @unwind, @except\n"
        "CallNoted: subq $0x28, %rsp\n"
        "    .seh_stackalloc 0x28\n"
        "    .seh_endprologue\n"
        "    callq *%rcx\n"
        "    nop\n"
        "    addq $0x28, %rsp\n"
        "    retq\n"
        "    .seh_endproc\n");

#define PUSH(Register) "    pushq %" Register "\n    .seh_pushreg %" Register "\n"
#define SAVE(Register, Offset)                                                                     \
    "    movaps %" Register ", " Offset "(%rsp)\n    .seh_savexmm %" Register ", " Offset "\n"
#define LOAD(Register, Offset) "    movaps " Offset "(%rsp), %" Register "\n"
#define POP(Register) "    popq %" Register "\n"

/* XMM6-15 below 0x20 bytes of home space; 0xC8 keeps RSP aligned behind eight pushes. */
#define SAVE_ALL                                                                                   \
    PUSH("rbx")                                                                                    \
    PUSH("rbp")                                                                                    \
    PUSH("rsi")                                                                                    \
    PUSH("rdi")                                                                                    \
    PUSH("r12")                                                                                    \
    PUSH("r13")                                                                                    \
    PUSH("r14")                                                                                    \
    PUSH("r15")                                                                                    \
    "    subq $0xC8, %rsp\n"                                                                       \
    "    .seh_stackalloc 0xC8\n" SAVE("xmm6", "0x20") SAVE("xmm7", "0x30") SAVE("xmm8", "0x40")    \
        SAVE("xmm9", "0x50") SAVE("xmm10", "0x60") SAVE("xmm11", "0x70") SAVE("xmm12", "0x80")     \
            SAVE("xmm13", "0x90") SAVE("xmm14", "0xA0")                                            \
                SAVE("xmm15", "0xB0") "    .seh_endprologue\n"

#define LOAD_ALL                                                                                   \
    LOAD("xmm6", "0x20")                                                                           \
    LOAD("xmm7", "0x30")                                                                           \
    LOAD("xmm8", "0x40")                                                                           \
    LOAD("xmm9", "0x50")                                                                           \
    LOAD("xmm10", "0x60")                                                                          \
    LOAD("xmm11", "0x70")                                                                          \
    LOAD("xmm12", "0x80")                                                                          \
    LOAD("xmm13", "0x90")                                                                          \
    LOAD("xmm14", "0xA0")                                                                          \
    LOAD("xmm15", "0xB0")                                                                          \
    "    addq $0xC8, %rsp\n" POP("r15") POP("r14") POP("r13") POP("r12") POP("rdi") POP("rsi")     \
        POP("rbp") POP("rbx") "    ret\n"

#define SET(Register, Number) "    movq $" Number ", %" Register "\n"
#define SET_XMM(Register, Number) "    movl $" Number ", %eax\n    movd %eax, %" Register "\n"
#define TEST(Register, Number, Bit)                                                                \
    "    cmpq $" Number ", %" Register "\n    je 1f\n    orl $1 << " Bit ", %edx\n1:\n"
#define TEST_XMM(Register, Number, Bit)                                                            \
    "    movd %" Register ", %eax\n    cmpl $" Number ", %eax\n    je 1f\n    orl $1 << " Bit      \
    ", %edx\n1:\n"

#define EACH(Do)                                                                                   \
    Do("rbx", "0x10", "0") Do("rbp", "0x11", "1") Do("rsi", "0x12", "2") Do("rdi", "0x13", "3")    \
        Do("r12", "0x14", "4") Do("r13", "0x15", "5") Do("r14", "0x16", "6")                       \
            Do("r15", "0x17", "7")
#define EACH_XMM(Do)                                                                               \
    Do("xmm6", "0x66", "8") Do("xmm7", "0x67", "9") Do("xmm8", "0x68", "10")                       \
        Do("xmm9", "0x69", "11") Do("xmm10", "0x6A", "12") Do("xmm11", "0x6B", "13")               \
            Do("xmm12", "0x6C", "14") Do("xmm13", "0x6D", "15") Do("xmm14", "0x6E", "16")          \
                Do("xmm15", "0x6F", "17")
#define SET_OF(Register, Number, Bit) SET(Register, Number)
#define SET_XMM_OF(Register, Number, Bit) SET_XMM(Register, Number)
#define ZERO_OF(Register, Number, Bit) "    xorl %eax, %eax\n    movq %rax, %" Register "\n"

__asm__(
    ".text\n"
    ".globl ClobberAndRead\n"
    ".seh_proc ClobberAndRead\n"
    "ClobberAndRead:\n" SAVE_ALL EACH(ZERO_OF) EACH_XMM(
        ZERO_OF) "    movl (%rcx), %eax\n" LOAD_ALL "    .seh_endproc\n"
                 ".globl ChangedRegisters\n"
                 ".seh_proc ChangedRegisters\n"
                 "ChangedRegisters:\n" SAVE_ALL EACH(SET_OF) EACH_XMM(
                     SET_XMM_OF) "    call *%rcx\n"
                                 "    xorl %edx, %edx\n" EACH(TEST) EACH_XMM(
                                     TEST_XMM) "    movl %edx, %eax\n" LOAD_ALL "    .seh_endproc\n"
                                               ".globl FaultInPrologue\n"
                                               ".seh_proc FaultInPrologue\n"
                                               "FaultInPrologue:\n" PUSH(
                                                   "rbx") "    xorl %ebx, %ebx\n"
                                                          "    movl (%rcx), %eax\n" PUSH(
                                                              "rsi") "    subq $0x28, %rsp\n"
                                                                     "    .seh_stackalloc 0x28\n"
                                                                     "    .seh_endprologue\n"
                                                                     "    nop\n"
                                                                     "    addq $0x28, %rsp\n" POP(
                                                                         "rsi")
                                                                         POP("rbx") "    ret\n"
                                                                                    "    "
                                                                                    ".seh_"
                                                                                    "endproc\n");

__asm__(".text\n"
        ".globl JumpInEpilogue\n"
        ".seh_proc JumpInEpilogue\n"
        "JumpInEpilogue:\n" PUSH("rbx") PUSH("rsi") "    subq $0x28, %rsp\n"
                                                    "    .seh_stackalloc 0x28\n"
                                                    "    .seh_endprologue\n"
                                                    "    xorl %ebx, %ebx\n"
                                                    "    xorl %esi, %esi\n"
                                                    "    movq %rcx, %rax\n"
                                                    "    addq $0x28, %rsp\n" POP("rsi")
                                                        POP("rbx") "    jmp *%rax\n"
                                                                   "    .seh_endproc\n");
