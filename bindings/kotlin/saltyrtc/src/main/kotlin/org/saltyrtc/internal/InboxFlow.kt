package org.saltyrtc.internal

import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.FlowCollector

/**
 * What can be received, until there is no more. Unlike `flow { }`, it looks at cancellation before it takes something, and
 * never between that and giving it to the collector: then it would be lost.
 */
internal class InboxFlow<T : Any>(private val next: suspend () -> T?) : Flow<T> {
    override suspend fun collect(collector: FlowCollector<T>) {
        while (true) {
            currentCoroutineContext().ensureActive()
            collector.emit(next() ?: return)
        }
    }
}
