/*
 * guiddef.h - GUID and the macro that declares or defines one.
 *
 * DEFINE_GUID declares a GUID. In the one source file that includes
 * <initguid.h> first it defines it, as a select-any datum, so that several
 * such files may be linked together.
 */
#ifndef NT_GUIDDEF_H
#define NT_GUIDDEF_H

#ifndef GUID_DEFINED
#define GUID_DEFINED
typedef struct _GUID {
#ifdef __LP64__
    unsigned int Data1;
#else
    unsigned long Data1;
#endif
    unsigned short Data2;
    unsigned short Data3;
    unsigned char Data4[8];
} GUID, *PGUID, *LPGUID;
typedef const GUID *LPCGUID;
typedef GUID IID;
typedef GUID CLSID;
#endif

#define REFGUID const GUID *
#define IsEqualGUID(Guid1, Guid2) (!__builtin_memcmp((Guid1), (Guid2), sizeof(GUID)))
#define InlineIsEqualGUID(Guid1, Guid2) IsEqualGUID(Guid1, Guid2)

#endif

/* Outside the guard: <initguid.h> may come after a first inclusion. */
#undef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(Name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                               \
    extern const GUID Name;                                                                        \
    __attribute__((weak)) const GUID Name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(Name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) extern const GUID Name
#endif
