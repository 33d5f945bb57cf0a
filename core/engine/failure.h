/*
 * failure.h - why the platform itself ends a call: the one list of reasons, from the pool's
 * refusal of a slot to what the caller is told (node/proxy/failure.h).
 */
#ifndef HF_ENGINE_FAILURE_H
#define HF_ENGINE_FAILURE_H

/* id, word for programs, gRPC status, what strangers hear (NULL: the cause, which says nothing of
 * this node) */
#define HF_FAILURES(FAILURE)                                                                       \
    FAILURE(NONE, "", 0, NULL)                                                                     \
    FAILURE(BAD_AUTHORITY, "bad-authority", 3, NULL)         /* names no function */               \
    FAILURE(BAD_TIMEOUT, "bad-timeout", 3, NULL)             /* grpc-timeout cannot be read */     \
    FAILURE(HEADERS_TOO_LARGE, "headers-too-large", 8, NULL) /* metadata beyond a limit */         \
    FAILURE(UNKNOWN_FUNCTION, "unknown-function", 5, "it is not registered")                       \
    FAILURE(DELETED, "deleted", 5, NULL) /* while the call waited */                               \
    FAILURE(LOOP, "loop", 9, "load balancers send it round in circles")                            \
    FAILURE(DEADLINE, "deadline", 4, "the deadline has passed")                                    \
    FAILURE(QUEUE_FULL, "queue-full", 14, NULL) /* too many calls wait for it */                   \
    FAILURE(OVERLOADED, "overloaded", 14, NULL) /* its turn would come too late */                 \
    FAILURE(NO_WORKER, "no-worker", 14, "no worker has room for an instance")                      \
    FAILURE(START_FAILED, "start-failed", 14, "its instances do not start")                        \
    FAILURE(NO_CHILD, "no-child", 14, "no node is there that could take the call")                 \
    FAILURE(NO_OTHER, "", 0, NULL) /* only the endpoint that the call avoids; never told */        \
    FAILURE(DRAINING, "draining", 14, NULL) /* this node takes no new calls */                     \
    FAILURE(STORE, "store", 14, "its definition cannot be read now")                               \
    FAILURE(NO_MEMORY, "no-memory", 14, NULL) /* this node has none left */                        \
    FAILURE(ENDPOINT, "endpoint-lost", 14, "whoever had the call has failed")

enum hf_failure {
#define HF_FAILURE_ENUM(id, word, status, brief) HF_FAILURE_##id,
    HF_FAILURES(HF_FAILURE_ENUM)
#undef HF_FAILURE_ENUM
};

#endif
