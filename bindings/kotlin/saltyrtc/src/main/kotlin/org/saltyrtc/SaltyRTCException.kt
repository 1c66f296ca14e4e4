package org.saltyrtc

import org.saltyrtc.internal.Functions

/**
 * Why something did not work: what happened, and what to do about it.
 *
 * The subclasses stand for who can do something about it; [status] says exactly what it is.
 */
public sealed class SaltyRTCException(
    /** What it is. A value that only later versions of the library know is kept. */
    public val status: Status,
    text: String?,
) : RuntimeException() {
    /** What happened and what to do about it, in English. Never contains secrets. */
    public val text: String = text ?: status.text

    /** The close code of WebSocket or SaltyRTC (1000 to 4999), if a connection ended with one. */
    public var closeCode: Int? = null
        private set

    /** Who ended the connection, if that is what happened. */
    public var closedBy: ClosedBy? = null
        private set

    /** Whether the same may succeed with a new client. */
    public var isRetryable: Boolean = false
        private set

    /** Whether, and when, to try again with a new client, after the end of one. */
    public val retry: Retry get() = status.retry

    /** The text, the name of the status, and the close code. */
    final override val message: String get() = text + " (" + status.name + (closeCode?.let { ", $it" } ?: "") + ")"

    internal companion object {
        fun of(
            status: Status,
            text: String?,
            closeCode: Int? = null,
            closedBy: ClosedBy? = null,
            isRetryable: Boolean = false,
        ): SaltyRTCException {
            val create = when (status) {
                Status.QUEUE_FULL -> ::QueueFullException
                Status.PANIC -> ::InternalErrorException
                // Not the fault of a value.
                Status.FORKED, Status.NOT_BUILT, Status.OUT_OF_RESOURCES, Status.WOULD_DEADLOCK, Status.TIMEOUT,
                -> ::NotPossibleException
                else -> when (status.value) {
                    in -99..-1 -> ::InvalidArgumentException
                    in -199..-100 -> ::NotPossibleException
                    in -299..-200 -> ::ConnectionFailedException
                    in -399..-300 -> ::PeerFailedException
                    in -499..-400 -> ::ServerFailedException
                    else -> ::InternalErrorException
                }
            }
            return create(status, text).also {
                it.closeCode = closeCode
                it.closedBy = closedBy
                it.isRetryable = isRetryable
            }
        }
    }
}

/** Whether, and when, to try again when a client has ended with this. */
public val Status.retry: Retry
    @JvmName("retryOf")
    get() = Retry.of(Functions.statusRetry(value))

/** A value that the library does not take. */
public class InvalidArgumentException internal constructor(status: Status, text: String?) : SaltyRTCException(status, text)

/** What cannot be done at the moment, or not any more: there is no peer, the channel is closed … */
public open class NotPossibleException internal constructor(status: Status, text: String?) : SaltyRTCException(status, text)

/** Too much waits to be sent. Functions that suspend do not throw it. */
public class QueueFullException internal constructor(status: Status, text: String?) : NotPossibleException(status, text)

/** The network or the server. */
public class ConnectionFailedException internal constructor(status: Status, text: String?) : SaltyRTCException(status, text)

/** The peer: it left, it could not be authenticated, it broke the protocol. */
public class PeerFailedException internal constructor(status: Status, text: String?) : SaltyRTCException(status, text)

/** The embedded server. */
public class ServerFailedException internal constructor(status: Status, text: String?) : SaltyRTCException(status, text)

/** A bug in the library: please report the text. Also a status that is not known. */
public class InternalErrorException internal constructor(status: Status, text: String?) : SaltyRTCException(status, text)
