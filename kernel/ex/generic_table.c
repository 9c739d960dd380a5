/*
 * ex/generic_table.c - RTL_GENERIC_TABLE: elements ordered by the owner's comparison, in a splay
 * tree, and chained in the order of insertion.
 *
 * Each element lies behind its links, in memory from the owner's AllocateRoutine: the size asked
 * for is that of the header below plus the element's. Whatever is found moves to the root, so
 * lookups change the tree: the owner serialises all calls. Any IRQL its routines allow.
 */
#include <hal/types.h>
#include <lib/export.h>
#include <lib/string.h>
#include <nt/ntddk.h>

struct table_element {
    RTL_SPLAY_LINKS links; /* Parent of the root: itself */
    LIST_ENTRY insert_order;
    LONGLONG user_data[];
};

static struct table_element *element_of(PRTL_SPLAY_LINKS links)
{
    return CONTAINING_RECORD(links, struct table_element, links);
}

static bool is_root(const RTL_SPLAY_LINKS *links)
{
    return links->Parent == links;
}

static bool is_left(const RTL_SPLAY_LINKS *links)
{
    return links->Parent->LeftChild == links;
}

/* ---- splay tree ----------------------------------------------------------------------------- */

/* Hang `child` (may be NULL) where `links` hangs; the root's parent is itself. */
static void replace_in_parent(PRTL_SPLAY_LINKS links, PRTL_SPLAY_LINKS child)
{
    if (is_root(links)) {
        if (child != NULL)
            child->Parent = child;
        return;
    }
    if (is_left(links))
        links->Parent->LeftChild = child;
    else
        links->Parent->RightChild = child;
    if (child != NULL)
        child->Parent = links->Parent;
}

/* Swap places with the parent. */
static void rotate_up(PRTL_SPLAY_LINKS links)
{
    PRTL_SPLAY_LINKS parent = links->Parent;
    bool left = is_left(links);
    PRTL_SPLAY_LINKS middle = left ? links->RightChild : links->LeftChild;

    replace_in_parent(parent, links);
    if (left) {
        parent->LeftChild = middle;
        links->RightChild = parent;
    } else {
        parent->RightChild = middle;
        links->LeftChild = parent;
    }
    parent->Parent = links;
    if (middle != NULL)
        middle->Parent = parent;
}

static PRTL_SPLAY_LINKS leftmost(PRTL_SPLAY_LINKS links)
{
    while (links->LeftChild != NULL)
        links = links->LeftChild;
    return links;
}

static PRTL_SPLAY_LINKS rightmost(PRTL_SPLAY_LINKS links)
{
    while (links->RightChild != NULL)
        links = links->RightChild;
    return links;
}

/* WDK surface */

/* The element becomes the root, which is returned. */
PRTL_SPLAY_LINKS NTAPI RtlSplay(PRTL_SPLAY_LINKS Links)
{
    while (!is_root(Links)) {
        PRTL_SPLAY_LINKS parent = Links->Parent;

        if (!is_root(parent)) /* same side twice: the parent first */
            rotate_up(is_left(Links) == is_left(parent) ? parent : Links);
        rotate_up(Links);
    }
    return Links;
}
LDR_EXPORT(RtlSplay);

PRTL_SPLAY_LINKS NTAPI RtlSubtreeSuccessor(PRTL_SPLAY_LINKS Links)
{
    return Links->RightChild == NULL ? NULL : leftmost(Links->RightChild);
}
LDR_EXPORT(RtlSubtreeSuccessor);

PRTL_SPLAY_LINKS NTAPI RtlSubtreePredecessor(PRTL_SPLAY_LINKS Links)
{
    return Links->LeftChild == NULL ? NULL : rightmost(Links->LeftChild);
}
LDR_EXPORT(RtlSubtreePredecessor);

PRTL_SPLAY_LINKS NTAPI RtlRealSuccessor(PRTL_SPLAY_LINKS Links)
{
    if (Links->RightChild != NULL)
        return leftmost(Links->RightChild);
    while (!is_root(Links) && !is_left(Links))
        Links = Links->Parent;
    return is_root(Links) ? NULL : Links->Parent;
}
LDR_EXPORT(RtlRealSuccessor);

PRTL_SPLAY_LINKS NTAPI RtlRealPredecessor(PRTL_SPLAY_LINKS Links)
{
    if (Links->LeftChild != NULL)
        return rightmost(Links->LeftChild);
    while (!is_root(Links) && is_left(Links))
        Links = Links->Parent;
    return is_root(Links) ? NULL : Links->Parent;
}
LDR_EXPORT(RtlRealPredecessor);

/* Takes the element out; returns the new root, NULL when nothing is left. */
PRTL_SPLAY_LINKS NTAPI RtlDelete(PRTL_SPLAY_LINKS Links)
{
    PRTL_SPLAY_LINKS left, right, top;

    Links = RtlSplay(Links);
    left = Links->LeftChild;
    right = Links->RightChild;
    if (left != NULL)
        left->Parent = left;
    if (right != NULL)
        right->Parent = right;
    if (left == NULL)
        return right;
    top = RtlSplay(rightmost(left)); /* has no right child */
    top->RightChild = right;
    if (right != NULL)
        right->Parent = top;
    return top;
}
LDR_EXPORT(RtlDelete);

/* ---- table ---------------------------------------------------------------------------------- */

/* Where the element is, or would hang. */
static TABLE_SEARCH_RESULT table_search(PRTL_GENERIC_TABLE table, PVOID buffer,
                                        PRTL_SPLAY_LINKS *found)
{
    PRTL_SPLAY_LINKS links = table->TableRoot;

    *found = NULL;
    while (links != NULL) {
        RTL_GENERIC_COMPARE_RESULTS order =
            table->CompareRoutine(table, buffer, element_of(links)->user_data);

        *found = links;
        if (order == GenericEqual)
            return TableFoundNode;
        if (order == GenericLessThan && links->LeftChild == NULL)
            return TableInsertAsLeft;
        if (order != GenericLessThan && links->RightChild == NULL)
            return TableInsertAsRight;
        links = order == GenericLessThan ? links->LeftChild : links->RightChild;
    }
    return TableEmptyTree;
}

VOID NTAPI RtlInitializeGenericTable(PRTL_GENERIC_TABLE Table,
                                     PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine,
                                     PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine,
                                     PRTL_GENERIC_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    Table->TableRoot = NULL;
    InitializeListHead(&Table->InsertOrderList);
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->WhichOrderedElement = 0;
    Table->NumberGenericTableElements = 0;
    Table->CompareRoutine = CompareRoutine;
    Table->AllocateRoutine = AllocateRoutine;
    Table->FreeRoutine = FreeRoutine;
    Table->TableContext = TableContext;
}
LDR_EXPORT(RtlInitializeGenericTable);

PVOID NTAPI RtlInsertElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                         PBOOLEAN NewElement)
{
    PRTL_SPLAY_LINKS links;
    TABLE_SEARCH_RESULT result = table_search(Table, Buffer, &links);
    struct table_element *element;

    if (NewElement != NULL)
        *NewElement = result != TableFoundNode;
    if (result == TableFoundNode) {
        Table->TableRoot = RtlSplay(links);
        return element_of(links)->user_data;
    }
    element = Table->AllocateRoutine(Table, (CLONG)sizeof *element + BufferSize);
    if (element == NULL) {
        if (NewElement != NULL)
            *NewElement = FALSE;
        return NULL;
    }
    memset(&element->links, 0, sizeof element->links);
    element->links.Parent = result == TableEmptyTree ? &element->links : links;
    if (result == TableInsertAsLeft)
        links->LeftChild = &element->links;
    else if (result == TableInsertAsRight)
        links->RightChild = &element->links;
    memcpy(element->user_data, Buffer, BufferSize);
    InsertTailList(&Table->InsertOrderList, &element->insert_order);
    Table->NumberGenericTableElements++;
    Table->TableRoot = RtlSplay(&element->links);
    return element->user_data;
}
LDR_EXPORT(RtlInsertElementGenericTable);

BOOLEAN NTAPI RtlDeleteElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS links;
    struct table_element *element;

    if (table_search(Table, Buffer, &links) != TableFoundNode)
        return FALSE;
    element = element_of(links);
    Table->TableRoot = RtlDelete(links);
    RemoveEntryList(&element->insert_order);
    Table->NumberGenericTableElements--;
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->WhichOrderedElement = 0;
    Table->FreeRoutine(Table, element);
    return TRUE;
}
LDR_EXPORT(RtlDeleteElementGenericTable);

PVOID NTAPI RtlLookupElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS links;

    if (table_search(Table, Buffer, &links) != TableFoundNode)
        return NULL;
    Table->TableRoot = RtlSplay(links);
    return element_of(links)->user_data;
}
LDR_EXPORT(RtlLookupElementGenericTable);

/* In the table's order: the element behind the last one returned, which is the root. */
PVOID NTAPI RtlEnumerateGenericTable(PRTL_GENERIC_TABLE Table, BOOLEAN Restart)
{
    PRTL_SPLAY_LINKS links = Table->TableRoot;

    if (links == NULL)
        return NULL;
    links = Restart ? leftmost(links) : RtlRealSuccessor(links);
    if (links == NULL)
        return NULL;
    Table->TableRoot = RtlSplay(links);
    return element_of(links)->user_data;
}
LDR_EXPORT(RtlEnumerateGenericTable);

/* *RestartKey: NULL for the first, then what the last call left there. */
PVOID NTAPI RtlEnumerateGenericTableWithoutSplaying(PRTL_GENERIC_TABLE Table, PVOID *RestartKey)
{
    PRTL_SPLAY_LINKS links = NULL;

    if (Table->TableRoot != NULL)
        links = *RestartKey == NULL ? leftmost(Table->TableRoot) : RtlRealSuccessor(*RestartKey);
    if (links == NULL)
        return NULL;
    *RestartKey = links;
    return element_of(links)->user_data;
}
LDR_EXPORT(RtlEnumerateGenericTableWithoutSplaying);

/* In the order of insertion, counted from 0; goes on from the element returned last. */
PVOID NTAPI RtlGetElementGenericTable(PRTL_GENERIC_TABLE Table, ULONG I)
{
    ULONG wanted = I + 1;

    if (I >= Table->NumberGenericTableElements)
        return NULL;
    if (wanted < Table->WhichOrderedElement) {
        Table->OrderedPointer = &Table->InsertOrderList;
        Table->WhichOrderedElement = 0;
    }
    for (; Table->WhichOrderedElement < wanted; Table->WhichOrderedElement++)
        Table->OrderedPointer = Table->OrderedPointer->Flink;
    return CONTAINING_RECORD(Table->OrderedPointer, struct table_element, insert_order)->user_data;
}
LDR_EXPORT(RtlGetElementGenericTable);

ULONG NTAPI RtlNumberGenericTableElements(PRTL_GENERIC_TABLE Table)
{
    return Table->NumberGenericTableElements;
}
LDR_EXPORT(RtlNumberGenericTableElements);

BOOLEAN NTAPI RtlIsGenericTableEmpty(PRTL_GENERIC_TABLE Table)
{
    return Table->TableRoot == NULL;
}
LDR_EXPORT(RtlIsGenericTableEmpty);
