/*
 * wdm/intrin.h - atomic operations, barriers, ports and device registers.
 *
 * Owns: what drivers compile to single instructions. Register accesses are
 * volatile moves between compiler barriers: x86 keeps uncached accesses in
 * program order. Port accesses are IN and OUT. (WDK: READ_REGISTER_ULONG,
 * READ_PORT_UCHAR, InterlockedIncrement, KeMemoryBarrier)
 */
#ifndef NT_WDM_INTRIN_H
#define NT_WDM_INTRIN_H

/* Atomic operations: full barriers */

FORCEINLINE LONG NTAPI InterlockedIncrement(LONG volatile *Addend)
{
    return __atomic_add_fetch(Addend, 1, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG NTAPI InterlockedDecrement(LONG volatile *Addend)
{
    return __atomic_sub_fetch(Addend, 1, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG NTAPI InterlockedExchange(LONG volatile *Target, LONG Value)
{
    return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG NTAPI InterlockedExchangeAdd(LONG volatile *Addend, LONG Value)
{
    return __atomic_fetch_add(Addend, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG NTAPI InterlockedCompareExchange(LONG volatile *Destination, LONG Exchange,
                                                  LONG Comperand)
{
    __atomic_compare_exchange_n(Destination, &Comperand, Exchange, 0, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    return Comperand;
}

FORCEINLINE LONG NTAPI InterlockedAnd(LONG volatile *Destination, LONG Value)
{
    return __atomic_fetch_and(Destination, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG NTAPI InterlockedOr(LONG volatile *Destination, LONG Value)
{
    return __atomic_fetch_or(Destination, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG NTAPI InterlockedXor(LONG volatile *Destination, LONG Value)
{
    return __atomic_fetch_xor(Destination, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG NTAPI InterlockedAdd(LONG volatile *Addend, LONG Value)
{
    return __atomic_add_fetch(Addend, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG64 NTAPI InterlockedIncrement64(LONG64 volatile *Addend)
{
    return __atomic_add_fetch(Addend, 1, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG64 NTAPI InterlockedDecrement64(LONG64 volatile *Addend)
{
    return __atomic_sub_fetch(Addend, 1, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG64 NTAPI InterlockedExchange64(LONG64 volatile *Target, LONG64 Value)
{
    return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG64 NTAPI InterlockedExchangeAdd64(LONG64 volatile *Addend, LONG64 Value)
{
    return __atomic_fetch_add(Addend, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG64 NTAPI InterlockedCompareExchange64(LONG64 volatile *Destination, LONG64 Exchange,
                                                      LONG64 Comperand)
{
    __atomic_compare_exchange_n(Destination, &Comperand, Exchange, 0, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    return Comperand;
}

FORCEINLINE LONG64 NTAPI InterlockedAnd64(LONG64 volatile *Destination, LONG64 Value)
{
    return __atomic_fetch_and(Destination, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG64 NTAPI InterlockedOr64(LONG64 volatile *Destination, LONG64 Value)
{
    return __atomic_fetch_or(Destination, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG64 NTAPI InterlockedXor64(LONG64 volatile *Destination, LONG64 Value)
{
    return __atomic_fetch_xor(Destination, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE LONG64 NTAPI InterlockedAdd64(LONG64 volatile *Addend, LONG64 Value)
{
    return __atomic_add_fetch(Addend, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE UCHAR NTAPI InterlockedBitTestAndSet(LONG volatile *Base, LONG Bit)
{
    LONG Mask = (LONG)(1U << (Bit & 31));

    return (UCHAR)((__atomic_fetch_or(Base + (Bit >> 5), Mask, __ATOMIC_SEQ_CST) & Mask) != 0);
}

FORCEINLINE UCHAR NTAPI InterlockedBitTestAndReset(LONG volatile *Base, LONG Bit)
{
    LONG Mask = (LONG)(1U << (Bit & 31));

    return (UCHAR)((__atomic_fetch_and(Base + (Bit >> 5), ~Mask, __ATOMIC_SEQ_CST) & Mask) != 0);
}

FORCEINLINE PVOID NTAPI InterlockedExchangePointer(PVOID volatile *Target, PVOID Value)
{
    return __atomic_exchange_n(Target, Value, __ATOMIC_SEQ_CST);
}

FORCEINLINE PVOID NTAPI InterlockedCompareExchangePointer(PVOID volatile *Destination,
                                                          PVOID Exchange, PVOID Comperand)
{
    __atomic_compare_exchange_n(Destination, &Comperand, Exchange, 0, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    return Comperand;
}

/* Barriers and waiting */

#define KeMemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define KeMemoryBarrierWithoutFence() __asm__ volatile("" : : : "memory")
#define MemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define YieldProcessor() __builtin_ia32_pause()

/* Device registers: 8, 16, 32 and 64 bits */

FORCEINLINE UCHAR NTAPI READ_REGISTER_UCHAR(volatile UCHAR *Register)
{
    KeMemoryBarrierWithoutFence();
    return *Register;
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_UCHAR(volatile UCHAR *Register, UCHAR Value)
{
    *Register = Value;
    KeMemoryBarrier();
}

FORCEINLINE VOID NTAPI READ_REGISTER_BUFFER_UCHAR(volatile UCHAR *Register, PUCHAR Buffer,
                                                  ULONG Count)
{
    while (Count--)
        *Buffer++ = READ_REGISTER_UCHAR(Register++);
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_BUFFER_UCHAR(volatile UCHAR *Register, PUCHAR Buffer,
                                                   ULONG Count)
{
    while (Count--)
        *Register++ = *Buffer++;
    KeMemoryBarrier();
}

FORCEINLINE USHORT NTAPI READ_REGISTER_USHORT(volatile USHORT *Register)
{
    KeMemoryBarrierWithoutFence();
    return *Register;
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_USHORT(volatile USHORT *Register, USHORT Value)
{
    *Register = Value;
    KeMemoryBarrier();
}

FORCEINLINE VOID NTAPI READ_REGISTER_BUFFER_USHORT(volatile USHORT *Register, PUSHORT Buffer,
                                                   ULONG Count)
{
    while (Count--)
        *Buffer++ = READ_REGISTER_USHORT(Register++);
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_BUFFER_USHORT(volatile USHORT *Register, PUSHORT Buffer,
                                                    ULONG Count)
{
    while (Count--)
        *Register++ = *Buffer++;
    KeMemoryBarrier();
}

FORCEINLINE ULONG NTAPI READ_REGISTER_ULONG(volatile ULONG *Register)
{
    KeMemoryBarrierWithoutFence();
    return *Register;
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_ULONG(volatile ULONG *Register, ULONG Value)
{
    *Register = Value;
    KeMemoryBarrier();
}

FORCEINLINE VOID NTAPI READ_REGISTER_BUFFER_ULONG(volatile ULONG *Register, PULONG Buffer,
                                                  ULONG Count)
{
    while (Count--)
        *Buffer++ = READ_REGISTER_ULONG(Register++);
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_BUFFER_ULONG(volatile ULONG *Register, PULONG Buffer,
                                                   ULONG Count)
{
    while (Count--)
        *Register++ = *Buffer++;
    KeMemoryBarrier();
}

FORCEINLINE ULONG64 NTAPI READ_REGISTER_ULONG64(volatile ULONG64 *Register)
{
    KeMemoryBarrierWithoutFence();
    return *Register;
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_ULONG64(volatile ULONG64 *Register, ULONG64 Value)
{
    *Register = Value;
    KeMemoryBarrier();
}

FORCEINLINE VOID NTAPI READ_REGISTER_BUFFER_ULONG64(volatile ULONG64 *Register, PULONG64 Buffer,
                                                    ULONG Count)
{
    while (Count--)
        *Buffer++ = READ_REGISTER_ULONG64(Register++);
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_BUFFER_ULONG64(volatile ULONG64 *Register, PULONG64 Buffer,
                                                     ULONG Count)
{
    while (Count--)
        *Register++ = *Buffer++;
    KeMemoryBarrier();
}

/* Device registers without the barriers */

FORCEINLINE UCHAR NTAPI READ_REGISTER_NOFENCE_UCHAR(volatile UCHAR *Register)
{
    return *Register;
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_NOFENCE_UCHAR(volatile UCHAR *Register, UCHAR Value)
{
    *Register = Value;
}

FORCEINLINE USHORT NTAPI READ_REGISTER_NOFENCE_USHORT(volatile USHORT *Register)
{
    return *Register;
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_NOFENCE_USHORT(volatile USHORT *Register, USHORT Value)
{
    *Register = Value;
}

FORCEINLINE ULONG NTAPI READ_REGISTER_NOFENCE_ULONG(volatile ULONG *Register)
{
    return *Register;
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_NOFENCE_ULONG(volatile ULONG *Register, ULONG Value)
{
    *Register = Value;
}

FORCEINLINE ULONG64 NTAPI READ_REGISTER_NOFENCE_ULONG64(volatile ULONG64 *Register)
{
    return *Register;
}

FORCEINLINE VOID NTAPI WRITE_REGISTER_NOFENCE_ULONG64(volatile ULONG64 *Register, ULONG64 Value)
{
    *Register = Value;
}

/* Ports: 8, 16 and 32 bits; the buffer forms read or write one port repeatedly */

FORCEINLINE UCHAR NTAPI READ_PORT_UCHAR(PUCHAR Port)
{
    UCHAR Value;

    __asm__ volatile("inb %w1, %b0" : "=a"(Value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
    return Value;
}

FORCEINLINE VOID NTAPI WRITE_PORT_UCHAR(PUCHAR Port, UCHAR Value)
{
    __asm__ volatile("outb %b0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
}

FORCEINLINE VOID NTAPI READ_PORT_BUFFER_UCHAR(PUCHAR Port, PUCHAR Buffer, ULONG Count)
{
    ULONG64 Left = Count;

    __asm__ volatile("cld; rep insb"
                     : "+D"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}

FORCEINLINE VOID NTAPI WRITE_PORT_BUFFER_UCHAR(PUCHAR Port, PUCHAR Buffer, ULONG Count)
{
    ULONG64 Left = Count;

    __asm__ volatile("cld; rep outsb"
                     : "+S"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}

FORCEINLINE USHORT NTAPI READ_PORT_USHORT(PUSHORT Port)
{
    USHORT Value;

    __asm__ volatile("inw %w1, %w0" : "=a"(Value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
    return Value;
}

FORCEINLINE VOID NTAPI WRITE_PORT_USHORT(PUSHORT Port, USHORT Value)
{
    __asm__ volatile("outw %w0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
}

FORCEINLINE VOID NTAPI READ_PORT_BUFFER_USHORT(PUSHORT Port, PUSHORT Buffer, ULONG Count)
{
    ULONG64 Left = Count;

    __asm__ volatile("cld; rep insw"
                     : "+D"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}

FORCEINLINE VOID NTAPI WRITE_PORT_BUFFER_USHORT(PUSHORT Port, PUSHORT Buffer, ULONG Count)
{
    ULONG64 Left = Count;

    __asm__ volatile("cld; rep outsw"
                     : "+S"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}

FORCEINLINE ULONG NTAPI READ_PORT_ULONG(PULONG Port)
{
    ULONG Value;

    __asm__ volatile("inl %w1, %k0" : "=a"(Value) : "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
    return Value;
}

FORCEINLINE VOID NTAPI WRITE_PORT_ULONG(PULONG Port, ULONG Value)
{
    __asm__ volatile("outl %k0, %w1" : : "a"(Value), "Nd"((USHORT)(ULONG_PTR)Port) : "memory");
}

FORCEINLINE VOID NTAPI READ_PORT_BUFFER_ULONG(PULONG Port, PULONG Buffer, ULONG Count)
{
    ULONG64 Left = Count;

    __asm__ volatile("cld; rep insl"
                     : "+D"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}

FORCEINLINE VOID NTAPI WRITE_PORT_BUFFER_ULONG(PULONG Port, PULONG Buffer, ULONG Count)
{
    ULONG64 Left = Count;

    __asm__ volatile("cld; rep outsl"
                     : "+S"(Buffer), "+c"(Left)
                     : "d"((USHORT)(ULONG_PTR)Port)
                     : "memory");
}

#endif
