/* Every event that a test receives is held against the table of event kinds: it has the fields of its kind,
   and all others are 0, false or NULL. Valid as C99 and as C++11. */

#ifndef EVENTS_H
#define EVENTS_H

#include <stdio.h>
#include <stdlib.h>

#include "generated.h"

/* For callbacks. */
static inline void check_event(const saltyrtc_event *event) {
    const char *field = wrong_event_field(event);
    if (field != NULL) {
        fprintf(stderr, "an event of the kind '%s' with the wrong field%s\n",
                saltyrtc_event_kind_name((int32_t)event->kind), field);
        exit(1);
    }
}

static inline saltyrtc_status next_checked_event(saltyrtc_client *client, int64_t timeout_ms,
                                                 saltyrtc_event **out, saltyrtc_error **error) {
    const saltyrtc_status status = saltyrtc_client_next_event(client, timeout_ms, out, error);
    if (status == SALTYRTC_STATUS_OK) {
        check_event(*out);
    }
    return status;
}

static inline saltyrtc_status next_checked_events(saltyrtc_queue *queue, int64_t timeout_ms,
                                                  saltyrtc_event **events, size_t capacity,
                                                  size_t *count, saltyrtc_error **error) {
    const saltyrtc_status status =
        saltyrtc_queue_next_events(queue, timeout_ms, events, capacity, count, error);
    size_t i;
    for (i = 0; status == SALTYRTC_STATUS_OK && i < *count; i++) {
        check_event(events[i]);
    }
    return status;
}

/* Tests that take events check them without another word. */
#define saltyrtc_client_next_event next_checked_event
#define saltyrtc_queue_next_events next_checked_events

#endif
