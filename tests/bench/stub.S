/*
 * stub.S - the least a kernel can be: prints one byte, then ends QEMU with verdict 0.
 *
 * Its wall time is what firmware and emulator cost before any kernel does anything; started by its
 * PVH note (type 18), in 32-bit mode, like dirql itself.
 */
    .code32
    .section .note.pvh, "a", @note
    .long 4, 8, 18
    .asciz "Xen"
    .quad _start

    .text
    .globl _start
_start:
    mov $0x3F8, %dx
    mov $'!', %al
    out %al, %dx
    mov $0xF4, %dx
    xor %eax, %eax
    out %eax, %dx
1:  hlt
    jmp 1b
