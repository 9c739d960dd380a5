/*
 * sal.h - the source annotations that driver code carries.
 *
 * Windows driver sources annotate parameters and IRQL contracts for a static
 * analyser. GCC has no use for them; all expand to nothing here, so that such
 * sources compile unchanged. Only the names that WDM drivers use are listed.
 */
#ifndef NT_SAL_H
#define NT_SAL_H

#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _In_reads_(Count)
#define _In_reads_opt_(Count)
#define _In_reads_bytes_(Count)
#define _In_reads_bytes_opt_(Count)
#define _Inout_
#define _Inout_opt_
#define _Inout_updates_(Count)
#define _Inout_updates_bytes_(Count)
#define _Out_
#define _Out_opt_
#define _Out_writes_(Count)
#define _Out_writes_opt_(Count)
#define _Out_writes_bytes_(Count)
#define _Out_writes_bytes_opt_(Count)
#define _Out_writes_to_(Count, Used)
#define _Out_writes_bytes_to_(Count, Used)
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Success_(Expression)
#define _When_(Expression, Annotations)
#define _At_(Target, Annotations)
#define _Pre_
#define _Post_
#define _Must_inspect_result_
#define _Check_return_
#define _Null_terminated_
#define _Printf_format_string_
#define _Reserved_
#define _Use_decl_annotations_
#define _Analysis_assume_(Expression)
#define _Function_class_(Class)
#define _Dispatch_type_(Type)
#define _Requires_lock_held_(Lock)
#define _Requires_lock_not_held_(Lock)
#define _Acquires_lock_(Lock)
#define _Releases_lock_(Lock)
#define _IRQL_requires_(Irql)
#define _IRQL_requires_max_(Irql)
#define _IRQL_requires_min_(Irql)
#define _IRQL_requires_same_
#define _IRQL_raises_(Irql)
#define _IRQL_saves_
#define _IRQL_restores_
#define _IRQL_saves_global_(Kind, Parameter)
#define _IRQL_restores_global_(Kind, Parameter)
#define _IRQL_always_function_max_(Irql)
#define _IRQL_always_function_min_(Irql)
#define _Interlocked_operand_

/* Older spelling. */
#define __in
#define __in_opt
#define __inout
#define __inout_opt
#define __out
#define __out_opt
#define __deref_out
#define __drv_aliasesMem
#define __drv_freesMem(Kind)
#define __drv_strictTypeMatch(Mode)
#define __drv_maxIRQL(Irql)
#define __drv_minIRQL(Irql)
#define __drv_requiresIRQL(Irql)
#define __drv_functionClass(Class)
#define __drv_dispatchType(Type)
#define __drv_sameIRQL

#endif
