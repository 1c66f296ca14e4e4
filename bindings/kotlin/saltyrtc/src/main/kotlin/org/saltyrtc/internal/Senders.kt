package org.saltyrtc.internal

import com.sun.jna.Pointer
import org.saltyrtc.CustomTask
import org.saltyrtc.Message
import org.saltyrtc.MessagePack
import org.saltyrtc.NotPossibleException
import org.saltyrtc.Ortc
import org.saltyrtc.OwnWebRTC
import org.saltyrtc.Status
import org.saltyrtc.Task

/** What `send` does with the task that was agreed on. */
internal enum class Sender {
    RELAYED_DATA {
        override fun send(client: Pointer, message: Message): Boolean = when (message) {
            is Message.Bytes -> sendBytes(client, message.data)
            is Message.Text -> roomFor { Functions.clientSendText(client, message.text) }
            is Message.Value -> MessagePack.encode(message.value).let { roomFor { Functions.clientSendMsgpack(client, it) } }
            else -> wrong("the Relayed Data task carries bytes, text and values only")
        }

        private fun sendBytes(client: Pointer, data: ByteArray): Boolean {
            // Without what is needed for an error, which is as much as the call itself.
            val status = CLibrary.saltyrtc_client_send_bytes(client, data, SizeT(data.size.toLong()), null)
            if (status == Status.OK.value) return true
            if (status == Status.QUEUE_FULL.value) return false
            // Nothing was sent: once more, to get to know why.
            return roomFor { Functions.clientSendBytes(client, data) }
        }
    },
    CUSTOM {
        override fun send(client: Pointer, message: Message): Boolean {
            if (message !is Message.Value) wrong("a custom task carries values only: maps with a \"type\"")
            val bytes = MessagePack.encode(message.value)
            return roomFor { Functions.clientSendTaskMessage(client, bytes) }
        }
    },
    OWN_WEBRTC {
        override fun send(client: Pointer, message: Message): Boolean = when (message) {
            is Message.Candidate -> roomFor {
                Functions.clientSendCandidate(
                    client, message.candidate, message.sdpMid, message.sdpMLineIndex ?: -1, message.usernameFragment,
                )
            }
            is Message.Description -> roomFor {
                if (message.type == "answer" || message.type == "pranswer") {
                    Functions.clientSendAnswer(client, message.type, message.sdp)
                } else {
                    Functions.clientSendOffer(client, message.type, message.sdp)
                }
            }
            else -> wrong("the WebRTC task carries descriptions and candidates only")
        }
    },
    ORTC {
        override fun send(client: Pointer, message: Message): Boolean {
            val fields = (message as? Message.Value)?.value as? Map<*, *>
                ?: wrong("the ORTC task carries maps with a \"type\" only")
            val bytes = MessagePack.encode(fields)
            return roomFor { Functions.clientSendOrtcMessage(client, bytes) }
        }
    },
    BUILT_IN {
        override fun send(client: Pointer, message: Message): Boolean = throw NotPossibleException(
            Status.OTHER_TASK,
            "the two clients have agreed on the built-in WebRTC: send on a channel (openChannel), or an application " +
                "message (application.send)",
        )
    }, ;

    /** Whether there was room for it. */
    abstract fun send(client: Pointer, message: Message): Boolean

    /** Whether the task has data channels. */
    val canBeHandedOver: Boolean get() = this == OWN_WEBRTC || this == ORTC || this == BUILT_IN

    companion object {
        private const val RELAYED_DATA_NAME = "v0.relayed-data.tasks.saltyrtc.org"
        private const val ORTC_NAME = "v0.ortc.tasks.saltyrtc.org"

        fun of(name: String, tasks: List<Task>): Sender = when {
            name == RELAYED_DATA_NAME -> RELAYED_DATA
            name == ORTC_NAME && tasks.any { it is Ortc } -> ORTC
            tasks.any { it is CustomTask && it.name == name } -> CUSTOM
            tasks.any { it is OwnWebRTC } -> OWN_WEBRTC
            else -> BUILT_IN
        }

        fun sendApplication(client: Pointer, message: Message): Boolean = when (message) {
            is Message.Bytes -> roomFor { Functions.clientSendApplicationBytes(client, message.data) }
            is Message.Text -> roomFor { Functions.clientSendApplicationText(client, message.text) }
            is Message.Value -> MessagePack.encode(message.value).let {
                roomFor { Functions.clientSendApplicationMsgpack(client, it) }
            }
            else -> wrong("application messages are bytes, text and values")
        }
    }
}

private fun wrong(text: String): Nothing = throw badArgument(text)
