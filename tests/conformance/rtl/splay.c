/*
 * splay.c - splay links by themselves, without a generic table around them.
 *
 * The numbers of the nodes are their order: what changes a tree must keep a walk ascending.
 */
#include "rtl.h"

#define NODES 24

typedef struct _NODE {
    RTL_SPLAY_LINKS Links;
    ULONG Number;
} NODE;

static NODE Nodes[NODES];

static ULONG NumberOf(PRTL_SPLAY_LINKS Links)
{
    return Links == NULL ? ~0u : CONTAINING_RECORD(Links, NODE, Links)->Number;
}

/* The Count nodes of a tree, inserted in an order that makes it uneven; its root. */
static PRTL_SPLAY_LINKS Plant(ULONG Count)
{
    PRTL_SPLAY_LINKS root = NULL;
    ULONG i;

    for (i = 0; i < Count; i++) {
        NODE *node = &Nodes[i * 7 % Count];
        PRTL_SPLAY_LINKS at = root;

        node->Number = (ULONG)(node - Nodes);
        RtlInitializeSplayLinks(&node->Links);
        if (root == NULL)
            root = &node->Links;
        while (at != NULL) {
            BOOLEAN left = node->Number < NumberOf(at);
            PRTL_SPLAY_LINKS next = left ? RtlLeftChild(at) : RtlRightChild(at);

            if (next == NULL) {
                if (left) {
                    RtlInsertAsLeftChild(at, &node->Links);
                } else {
                    RtlInsertAsRightChild(at, &node->Links);
                }
            }
            at = next;
        }
    }
    return root;
}

/* A walk both ways from the ends meets each node but Missing, in order, and Root is the root. */
static BOOLEAN IsWhole(PRTL_SPLAY_LINKS Root, ULONG Count, ULONG Missing)
{
    PRTL_SPLAY_LINKS links;
    ULONG number;

    if (Root == NULL || !RtlIsRoot(Root))
        return FALSE;
    for (links = Root; RtlLeftChild(links) != NULL;)
        links = RtlLeftChild(links);
    for (number = 0; number < Count; number++) {
        if (number == Missing)
            continue;
        if (NumberOf(links) != number)
            return FALSE;
        links = RtlRealSuccessor(links);
    }
    if (links != NULL)
        return FALSE;
    for (links = Root; RtlRightChild(links) != NULL;)
        links = RtlRightChild(links);
    for (number = Count; number-- != 0;) {
        if (number == Missing)
            continue;
        if (NumberOf(links) != number)
            return FALSE;
        links = RtlRealPredecessor(links);
    }
    return links == NULL;
}

static VOID CheckNeighbours(VOID)
{
    PRTL_SPLAY_LINKS root = Plant(NODES);
    BOOLEAN right = TRUE;
    ULONG i;

    Expect(IsWhole(root, NODES, NODES),
           "RtlRealSuccessor and RtlRealPredecessor walk a tree in order, and end with NULL");
    for (i = 0; i < NODES; i++) {
        PRTL_SPLAY_LINKS links = &Nodes[i].Links;
        ULONG next = RtlRightChild(links) != NULL ? i + 1 : ~0u;
        ULONG before = RtlLeftChild(links) != NULL ? i - 1 : ~0u;

        right = right && NumberOf(RtlSubtreeSuccessor(links)) == next &&
                NumberOf(RtlSubtreePredecessor(links)) == before;
    }
    Expect(right,
           "RtlSubtreeSuccessor and RtlSubtreePredecessor stay below their node, or are NULL");
}

static VOID CheckSplaying(VOID)
{
    BOOLEAN is_root = TRUE, whole = TRUE;
    PRTL_SPLAY_LINKS root;
    ULONG i;

    Plant(NODES);
    for (i = 0; i < NODES; i++) {
        NODE *node = &Nodes[i * 5 % NODES];

        root = RtlSplay(&node->Links);
        is_root = is_root && root == &node->Links;
        whole = whole && IsWhole(root, NODES, NODES);
    }
    Expect(is_root, "RtlSplay makes its node the root and returns it");
    Expect(whole, "and keeps the order of all");
    root = RtlSplay(&Nodes[3].Links);
    Expect(RtlSplay(root) == root && IsWhole(root, NODES, NODES), "a root it leaves as it is");
}

static VOID CheckDeleting(VOID)
{
    BOOLEAN whole = TRUE;
    PRTL_SPLAY_LINKS root;
    ULONG i;

    for (i = 0; i < NODES; i++) {
        Plant(NODES);
        root = RtlDelete(&Nodes[i].Links);
        whole = whole && IsWhole(root, NODES, i);
    }
    Expect(whole, "RtlDelete takes any node out and returns the root of what is left");
    root = Plant(2);
    root = RtlDelete(root);
    Expect(root == &Nodes[1].Links && RtlIsRoot(root) && RtlLeftChild(root) == NULL &&
               RtlRightChild(root) == NULL,
           "the last but one leaves a root without children");
    Expect(RtlDelete(root) == NULL, "and the last one no root");
}

VOID CheckSplayLinks(VOID)
{
    CheckNeighbours();
    CheckSplaying();
    CheckDeleting();
}
