"""The exported routines, and which C sources use them.

    names()                      the exports of the last build
    written_for(name)            the words by which a source may call it
    words(text)                  the words of a C source, comments left out
    words_of("tests/*/*.c")      {folder name: words of its C sources}
"""
import glob
import os
import re

from . import qemu

WORD = re.compile(r"\b[A-Za-z_]\w+")

# What is written for an imported name: macros and inline routines of headers, or what the compiler
# makes a call of.
WRITTEN = {
    "__C_specific_handler": ["__try"],
    "ExAllocatePoolWithTag": ["ExAllocatePool"],
    "ExFreePoolWithTag": ["ExFreePool"],
    "ExpInterlockedFlushSList": ["ExInterlockedFlushSList", "InterlockedFlushSList"],
    "ExpInterlockedPopEntrySList": ["ExInterlockedPopEntrySList"],
    "ExpInterlockedPushEntrySList": ["ExInterlockedPushEntrySList"],
    "IoAcquireRemoveLockEx": ["IoAcquireRemoveLock"],
    "IoInitializeRemoveLockEx": ["IoInitializeRemoveLock"],
    "IoReleaseRemoveLockEx": ["IoReleaseRemoveLock"],
    "IoReleaseRemoveLockAndWaitEx": ["IoReleaseRemoveLockAndWait"],
    "IofCallDriver": ["IoCallDriver"],
    "IofCompleteRequest": ["IoCompleteRequest"],
    "KeAcquireSpinLockRaiseToDpc": ["KeAcquireSpinLock"],
    "KeInitializeMutant": ["KeInitializeMutex"],
    "MmMapLockedPagesSpecifyCache": ["MmGetSystemAddressForMdlSafe"],
    "ObfDereferenceObject": ["ObDereferenceObject"],
    "ObfDereferenceObjectWithTag": ["ObDereferenceObjectWithTag"],
    "ObfReferenceObject": ["ObReferenceObject"],
    "ObfReferenceObjectWithTag": ["ObReferenceObjectWithTag"],
    "_vsnprintf": ["RtlStringCbPrintfA", "RtlStringCchPrintfA"],
    "_vsnwprintf": ["RtlStringCbPrintfW", "RtlStringCchPrintfW"],
    "memcpy": ["RtlCopyMemory"],
    "memmove": ["RtlMoveMemory"],
    "memset": ["RtlZeroMemory", "RtlFillMemory"],
}


def names():
    with open(os.path.join(qemu.BUILD, "exports.txt"), encoding="utf-8") as stream:
        return stream.read().split()


def written_for(name):
    return {name, *WRITTEN.get(name, [])}


def words(text):
    return set(WORD.findall(re.sub(r"/\*.*?\*/", "", text, flags=re.S)))


def words_of(pattern):
    found = {}
    for path in glob.glob(os.path.join(qemu.ROOT, pattern)):
        with open(path, encoding="utf-8") as stream:
            name = os.path.basename(os.path.dirname(path))
            found.setdefault(name, set()).update(words(stream.read()))
    return found
