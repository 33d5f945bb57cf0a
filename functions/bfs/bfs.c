/*
 * bfs - builds a random graph and walks it breadth first: a function that computes.
 *
 * The graph grows as A.-L. Barabasi and R. Albert describe it (Emergence of scaling in
 * random networks, 1999): each new node gets an edge to 10 others, and those that have
 * many edges already are the likelier to get one more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <hyperfaas-function.h>

#include "examples/bfs/v1/bfs.pb-c.h"

#define SIZE_DEFAULT   100
#define EDGES_PER_NODE 10

/* One thread serves all calls: this much takes it less than a tenth of a second. */
#define SIZE_MAX_NODES 100000

enum { INVALID_ARGUMENT = 3, RESOURCE_EXHAUSTED = 8 };

/* The neighbours of node n are neighbours[first[n]] to neighbours[first[n + 1] - 1]. */
struct graph {
    uint32_t size;
    uint32_t ends; /* of edges: twice their number */
    uint32_t *end; /* edge i joins the nodes end[2 * i] and end[2 * i + 1] */
    uint32_t *first;
    uint32_t *neighbours;
};

/* The next of a sequence of random numbers (splitmix64, by S. Vigna). */
static uint64_t
next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool
contains(const uint32_t *nodes, uint32_t count, uint32_t node)
{
    for (uint32_t i = 0; i < count; i++) {
        if (nodes[i] == node) {
            return true;
        }
    }
    return false;
}

/* Joins a new node with different older ones: the first few with all there are.  A node has
 * as many ends of edges as neighbours, so any end is a choice with the right odds. */
static void
add_node(struct graph *graph, uint32_t node, uint64_t *random)
{
    uint32_t count = node < EDGES_PER_NODE ? node : EDGES_PER_NODE;
    uint32_t others[EDGES_PER_NODE];

    for (uint32_t i = 0; i < count; i++) {
        do {
            others[i] = node > EDGES_PER_NODE ? graph->end[next_random(random) % graph->ends] : i;
        } while (contains(others, i, others[i]));
    }
    for (uint32_t i = 0; i < count; i++) {
        graph->end[graph->ends++] = node;
        graph->end[graph->ends++] = others[i];
    }
}

/* Sorts the ends of edges by node. */
static void
find_neighbours(struct graph *graph)
{
    for (uint32_t i = 0; i < graph->ends; i++) {
        graph->first[graph->end[i]]++;
    }
    for (uint32_t node = 1; node <= graph->size; node++) {
        graph->first[node] += graph->first[node - 1];
    }
    /* From here `first` goes down, from the end of each node's part to its beginning. */
    for (uint32_t i = graph->ends; i > 0; i--) {
        graph->neighbours[--graph->first[graph->end[i - 1]]] = graph->end[(i - 1) ^ 1];
    }
}

/* False: there is no memory. */
static bool
generate(struct hf_call *call, struct graph *graph, uint32_t size, uint64_t seed)
{
    size_t ends_max = (size_t)2 * EDGES_PER_NODE * size;

    graph->size = size;
    graph->end = hf_call_alloc(call, ends_max * sizeof graph->end[0]);
    graph->first = hf_call_alloc(call, ((size_t)size + 1) * sizeof graph->first[0]);
    graph->neighbours = hf_call_alloc(call, ends_max * sizeof graph->neighbours[0]);
    if (!graph->end || !graph->first || !graph->neighbours) {
        return false;
    }
    for (uint32_t node = 0; node < size; node++) {
        add_node(graph, node, &seed);
    }
    find_neighbours(graph);
    return true;
}

/* Writes all nodes in breadth-first order from node 0: the order is also the queue. */
static void
walk(const struct graph *graph, bool *seen, int64_t *order)
{
    uint32_t count = 0;

    order[count++] = 0;
    seen[0] = true;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = graph->first[order[i]]; j < graph->first[order[i] + 1]; j++) {
            uint32_t node = graph->neighbours[j];

            if (!seen[node]) {
                seen[node] = true;
                order[count++] = node;
            }
        }
    }
}

static int64_t
now_microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
answer(struct hf_call *call, uint32_t size, uint64_t seed)
{
    Examples__Bfs__V1__BFSReply reply = EXAMPLES__BFS__V1__BFSREPLY__INIT;
    Examples__Bfs__V1__Measurement measurement = EXAMPLES__BFS__V1__MEASUREMENT__INIT;
    struct graph graph = { 0 };
    bool *seen = hf_call_alloc(call, size * sizeof *seen);
    int64_t *order = hf_call_alloc(call, size * sizeof *order);
    int64_t start = now_microseconds(), generated;

    if (!seen || !order || !generate(call, &graph, size, seed)) {
        hf_call_finish(call, RESOURCE_EXHAUSTED, "no memory for the graph");
        return;
    }
    generated = now_microseconds();
    walk(&graph, seen, order);
    measurement.graph_generating_time_microseconds = generated - start;
    measurement.compute_time_microseconds = now_microseconds() - generated;
    reply.measurement = &measurement;
    reply.result = order;
    reply.n_result = size;
    hf_call_reply(call, &reply.base);
}

static void
compute(struct hf_call *call, const void *message)
{
    const Examples__Bfs__V1__BFSRequest *request = message;
    int32_t size = request->size != 0 ? request->size : SIZE_DEFAULT;
    bool seeded = request->optional_seed_case != 0;
    int64_t seed = seeded ? request->seed : now_microseconds();
    char problem[80];

    if (size < 1 || size > SIZE_MAX_NODES) {
        snprintf(problem, sizeof problem, "size is %" PRId32 ", expected 1 to %d", size,
                 SIZE_MAX_NODES);
        hf_call_finish(call, INVALID_ARGUMENT, problem);
        return;
    }
    answer(call, (uint32_t)size, (uint64_t)seed);
}

static const struct hf_method methods[] = {
    {
        .path = "/examples.bfs.v1.BFS/ComputeBFS",
        .kind = HF_UNARY,
        .request = &examples__bfs__v1__bfsrequest__descriptor,
        .message = compute,
    },
    { 0 },
};

int
main(void)
{
    return hf_function_main(methods);
}
