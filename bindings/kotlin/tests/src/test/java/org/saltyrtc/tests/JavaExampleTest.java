package org.saltyrtc.tests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.saltyrtc.Channel;
import org.saltyrtc.ConnectionFailedException;
import org.saltyrtc.CustomTask;
import org.saltyrtc.Event;
import org.saltyrtc.IceServer;
import org.saltyrtc.Initiator;
import org.saltyrtc.Invitation;
import org.saltyrtc.KeyPair;
import org.saltyrtc.LogLevel;
import org.saltyrtc.Message;
import org.saltyrtc.PeerOptions;
import org.saltyrtc.PublicKey;
import org.saltyrtc.Responder;
import org.saltyrtc.SaltyRTC;
import org.saltyrtc.Server;
import org.saltyrtc.Session;
import org.saltyrtc.Status;
import org.saltyrtc.WebRTC;
import org.saltyrtc.java.ChannelFutures;
import org.saltyrtc.java.PeerFutures;
import org.saltyrtc.java.ServerFutures;

/** The library from Java: futures in place of coroutines. */
class JavaExampleTest {
    @Test
    void hello() {
        Server server = new Server();
        PeerOptions options = new PeerOptions();
        options.setServerKey(server.getPublicKey());
        try (Initiator alice = new Initiator(server.getUrl(), options); Responder bob = new Responder(alice.getInvitation())) {
            PeerFutures ofAlice = PeerFutures.of(alice), ofBob = PeerFutures.of(bob);
            List<Message> received = new CopyOnWriteArrayList<>();
            CompletableFuture<Void> messages = ofAlice.onMessage(received::add);
            CompletableFuture<Session> session = ofAlice.awaitPeer();
            assertEquals(alice.getPublicKey(), ofBob.awaitPeer().join().getPeerKey());
            assertEquals(bob.getPublicKey(), session.join().getPeerKey());
            assertTrue(alice.isServerVerified());
            ofBob.send("Hello").join();
            ofBob.send(new byte[] {1, 2}).join();
            ofBob.send(Map.of("type", "greeting")).join();
            bob.close();
            assertEquals(Status.PEER_CLOSED, ofAlice.awaitEnd().join().getStatus());
            messages.join();
            assertEquals(3, received.size());
            assertEquals("Hello", received.get(0).asText());
            assertArrayEquals(new byte[] {1, 2}, received.get(1).asBytes());
            assertEquals("greeting", assertInstanceOf(Message.Value.class, received.get(2)).get("type"));
        }
        ServerFutures.stop(server).join();
    }

    @Test
    void channels() {
        PeerOptions options = new PeerOptions();
        options.setTasks(List.of(new WebRTC(List.<IceServer>of())));
        try (Server server = new Server();
                Initiator alice = new Initiator(server.getUrl(), options);
                Responder bob = new Responder(alice.getInvitation(), options)) {
            PeerFutures.of(alice).awaitPeer().join();
            CompletableFuture<Channel> accepted = PeerFutures.of(bob).acceptChannel();
            try (Channel channel = PeerFutures.of(alice).openChannel("pictures").join()) {
                ChannelFutures.of(channel).send(new byte[100_000]).join();
                assertEquals("pictures", accepted.join().getLabel());
                assertEquals(100_000, ChannelFutures.of(accepted.join()).receive().join().asBytes().length);
            }
        }
    }

    @Test
    void eventsKeysAndErrors() {
        KeyPair keys = KeyPair.generate();
        PeerOptions options = new PeerOptions();
        options.setKeys(keys);
        options.setTrustedPeer(new PublicKey(KeyPair.generate().getPublicKey().getHex()));
        options.setTasks(List.of(new CustomTask("v1.chess.tasks.example.org")));
        try (Initiator nobody = new Initiator("ws://127.0.0.1:1", options)) {
            assertEquals(keys.getPublicKey(), nobody.getPublicKey());
            assertNull(nobody.getInvitation().getToken());
            assertEquals(nobody.getInvitation(), Invitation.of("ws://127.0.0.1:1", keys.getPublicKey()));
            CompletionException failed =
                    assertThrows(CompletionException.class, () -> PeerFutures.of(nobody).awaitPeer().join());
            ConnectionFailedException why = assertInstanceOf(ConnectionFailedException.class, failed.getCause());
            assertEquals(Status.CONNECT_FAILED, why.getStatus());
            assertTrue(why.isRetryable());
            List<Event> events = new ArrayList<>();
            PeerFutures.of(nobody).onEvent(events::add).join();
            assertEquals(Status.CONNECT_FAILED, assertInstanceOf(Event.Closed.class, events.get(0)).getStatus());
        }
    }

    @Test
    void cancelling() {
        try (Server server = new Server(); Initiator alice = new Initiator(server.getUrl())) {
            CompletableFuture<Message> waiting = PeerFutures.of(alice).receive();
            assertTrue(waiting.cancel(true));
            try (Responder bob = new Responder(alice.getInvitation())) {
                PeerFutures.of(bob).awaitPeer().join();
                PeerFutures.of(bob).send("not lost with the one that was cancelled").join();
                assertTrue(PeerFutures.of(alice).receive().join().asText().startsWith("not lost"));
            }
        }
    }

    @Test
    void log() throws InterruptedException {
        List<String> lines = new CopyOnWriteArrayList<>();
        SaltyRTC.setLog(LogLevel.TRACE, (level, target, text) -> lines.add(level + " " + target + " " + text));
        Initiator alice;
        Responder bob;
        try (Server server = new Server()) {
            alice = new Initiator(server.getUrl());
            bob = new Responder(alice.getInvitation());
            PeerFutures.of(alice).awaitPeer().join();
            PeerFutures.of(bob).awaitPeer().join();
            PeerFutures.of(bob).send("not for the log").join();
            PeerFutures.of(alice).receive().join();
            bob.close();
            PeerFutures.of(alice).awaitEnd().join();
        } finally {
            SaltyRTC.setLog(LogLevel.OFF, (level, target, text) -> {});
        }
        assertTrue(lines.stream().anyMatch(line -> line.contains(" saltyrtc::")), lines::toString);
        String token = new PublicKey(alice.getInvitation().getToken().copyBytes()).getHex();
        assertTrue(lines.stream().noneMatch(line -> line.contains("not for the log") || line.contains(token)));
    }
}
