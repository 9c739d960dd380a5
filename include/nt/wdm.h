/*
 * wdm.h - the Windows Driver Model surface.
 *
 * What a WDM driver includes: `#include <wdm.h>` with -Iinclude/nt. The kernel
 * includes <nt/wdm.h> with -Iinclude. The text is split by subject under wdm/;
 * each part needs the ones before it and none is included on its own.
 *
 * Layouts and values are those of Windows x64 with NT_PROCESSOR_GROUPS, and are
 * checked against mingw-w64's DDK headers by tests/layout. A declared routine is
 * not a promise that this kernel exports it: the export table is, and
 * docs/api.md lists it.
 */
#ifndef NT_WDM_H
#define NT_WDM_H

#ifndef NT_PROCESSOR_GROUPS
#define NT_PROCESSOR_GROUPS
#endif
#ifndef _WDMDDK_
#define _WDMDDK_
#endif

#include "ntdef.h"
#include "ntstatus.h"
#include "bugcodes.h"
#include "devpropdef.h"

#include "wdm/version.h"
#include "wdm/crt.h"
#include "wdm/intrin.h"
#include "wdm/list.h"
#include "wdm/types.h"
#include "wdm/irql.h"
#include "wdm/cpu.h"
#include "wdm/exception.h"
#include "wdm/ke.h"
#include "wdm/mm.h"
#include "wdm/rtl.h"
#include "wdm/ex.h"
#include "wdm/object.h"
#include "wdm/pnp_types.h"
#include "wdm/irp.h"
#include "wdm/interrupt.h"
#include "wdm/io.h"
#include "wdm/resource.h"
#include "wdm/pnp.h"
#include "wdm/pci.h"
#include "wdm/power.h"
#include "wdm/pofx.h"
#include "wdm/dma.h"
#include "wdm/zw.h"
#include "wdm/cm.h"
#include "wdm/ps.h"
#include "wdm/access.h"
#include "wdm/trace.h"
#include "devioctl.h"

#endif
