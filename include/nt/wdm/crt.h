/*
 * wdm/crt.h - the C run-time routines that the kernel exports to drivers.
 *
 * For drivers only: inside the kernel the same names belong to its own library,
 * which follows the ELF calling convention.
 */
#ifndef NT_WDM_CRT_H
#define NT_WDM_CRT_H

#ifndef _NTOSKRNL_
void *__cdecl memcpy(void *Destination, const void *Source, size_t Count);
void *__cdecl memmove(void *Destination, const void *Source, size_t Count);
void *__cdecl memset(void *Destination, int Value, size_t Count);
int __cdecl memcmp(const void *Buffer1, const void *Buffer2, size_t Count);
size_t __cdecl strlen(const char *String);
int __cdecl strcmp(const char *String1, const char *String2);
int __cdecl strncmp(const char *String1, const char *String2, size_t Count);
char *__cdecl strcpy(char *Destination, const char *Source);
char *__cdecl strncpy(char *Destination, const char *Source, size_t Count);
char *__cdecl strchr(const char *String, int Character);
char *__cdecl strrchr(const char *String, int Character);
char *__cdecl strstr(const char *String, const char *Part);
size_t __cdecl wcslen(const WCHAR *String);
int __cdecl wcscmp(const WCHAR *String1, const WCHAR *String2);
int __cdecl wcsncmp(const WCHAR *String1, const WCHAR *String2, size_t Count);
WCHAR *__cdecl wcscpy(WCHAR *Destination, const WCHAR *Source);
WCHAR *__cdecl wcsncpy(WCHAR *Destination, const WCHAR *Source, size_t Count);
WCHAR *__cdecl wcschr(const WCHAR *String, WCHAR Character);
WCHAR *__cdecl wcsrchr(const WCHAR *String, WCHAR Character);
WCHAR *__cdecl wcsstr(const WCHAR *String, const WCHAR *Part);
int __cdecl sprintf(char *Buffer, const char *Format, ...);
int __cdecl swprintf(WCHAR *Buffer, const WCHAR *Format, ...);
int __cdecl _snprintf(char *Buffer, size_t Count, const char *Format, ...);
int __cdecl _snwprintf(WCHAR *Buffer, size_t Count, const WCHAR *Format, ...);
int __cdecl _vsnprintf(char *Buffer, size_t Count, const char *Format, va_list Arguments);
int __cdecl _vsnwprintf(WCHAR *Buffer, size_t Count, const WCHAR *Format, va_list Arguments);
int __cdecl _vswprintf(WCHAR *Buffer, const WCHAR *Format, va_list Arguments);
#endif

#endif
