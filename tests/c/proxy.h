/* A TCP proxy between a client and a server, which holds back what the server says, or cuts the
   connection: so that a test can keep a client in any state. One connection. */

#ifndef PROXY_H
#define PROXY_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.h"

typedef enum proxy_mode {
    /* Everything passes. */
    PROXY_OPEN,
    /* Nothing of the server passes but the HTTP response to the upgrade. */
    PROXY_ONLY_HTTP,
    /* Nothing of the server passes. */
    PROXY_HELD,
    /* Both connections are closed. */
    PROXY_CUT
} proxy_mode;

typedef struct proxy {
    /* As if it was the server. */
    test_server server;
    uint16_t target;
    int listener;
    /* Tells the thread that something has changed. */
    int wake[2];
    pthread_t thread;
    /* Under the lock: what was asked for, and what the thread does. */
    proxy_mode wanted;
    proxy_mode mode;
    bool end;
} proxy;

static inline int tcp_socket(uint16_t port, bool listening) {
    struct sockaddr_in address;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (listening) {
        CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
        CHECK(listen(fd, 16) == 0);
    } else {
        /* So that the server notices soon that nobody reads. */
        const int buffer = 4096;
        CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer) == 0);
        CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    }
    return fd;
}

static inline uint16_t local_port(int fd) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
    return ntohs(address.sin_port);
}

static inline bool send_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Passes on what there is. False if the connection has ended. */
static inline bool pass(int from, int to) {
    char data[4096];
    const ssize_t size = recv(from, data, sizeof data, 0);
    return size > 0 && send_all(to, data, (size_t)size);
}

/* Passes on the head of the HTTP response, byte by byte. */
static inline bool pass_http_head(int from, int to) {
    static const char end[] = "\r\n\r\n";
    char head[4096];
    size_t length = 0, matched = 0;
    while (matched < sizeof end - 1) {
        char byte;
        if (length == sizeof head || recv(from, &byte, 1, 0) != 1) {
            return false;
        }
        head[length++] = byte;
        matched = byte == end[matched] ? matched + 1 : byte == end[0] ? 1 : 0;
    }
    /* As a whole: a client takes a response in very many pieces for an attack. */
    return send_all(to, head, length);
}

static inline void *run_proxy(void *argument) {
    proxy *self = (proxy *)argument;
    int client = -1, server = -1;
    for (;;) {
        struct pollfd fds[4];
        proxy_mode mode;
        bool end, is_open = true;
        lock();
        mode = self->mode = self->wanted;
        end = self->end;
        unlock();
        if (end || mode == PROXY_CUT) {
            is_open = false;
        } else {
            fds[0].fd = self->wake[0];
            fds[1].fd = self->listener;
            fds[2].fd = client;
            fds[3].fd = mode == PROXY_HELD ? -1 : server;
            fds[0].events = fds[1].events = fds[2].events = fds[3].events = POLLIN;
            fds[0].revents = fds[1].revents = fds[2].revents = fds[3].revents = 0;
            CHECK(poll(fds, 4, LIMIT_MS) > 0);
            if (fds[0].revents != 0) {
                char byte;
                CHECK(read(self->wake[0], &byte, 1) == 1);
                continue;
            }
            if (fds[1].revents != 0) {
                CHECK(client == -1);
                client = accept(self->listener, NULL, NULL);
                CHECK(client >= 0);
                server = tcp_socket(self->target, false);
            }
            if (fds[2].revents != 0) {
                is_open = pass(client, server);
            }
            if (is_open && fds[3].revents != 0) {
                if (mode == PROXY_ONLY_HTTP) {
                    is_open = pass_http_head(server, client);
                    lock();
                    self->wanted = PROXY_HELD;
                    unlock();
                } else {
                    is_open = pass(server, client);
                }
            }
        }
        if (!is_open) {
            if (client >= 0) {
                close(client);
                close(server);
            }
            lock();
            self->mode = PROXY_CUT;
            unlock();
            return NULL;
        }
    }
}

static inline void start_proxy(proxy *self, const test_server *server, proxy_mode mode) {
    memset(self, 0, sizeof *self);
    self->target = server->port;
    self->listener = tcp_socket(0, true);
    self->server.port = local_port(self->listener);
    memcpy(self->server.key, server->key, sizeof server->key);
    snprintf(self->server.url, sizeof self->server.url, "ws://127.0.0.1:%d", (int)self->server.port);
    CHECK(pipe(self->wake) == 0);
    self->wanted = self->mode = mode;
    self->thread = start_thread(run_proxy, self);
}

/* The same invitation, with another server in it. */
static inline void invite_at(const test_server *server, const char *invitation, char *changed_one) {
    const char *path = strchr(invitation + sizeof "ws://" - 1, '/');
    CHECK(path != NULL);
    snprintf(changed_one, SALTYRTC_INVITATION_BYTES, "%s%s", server->url, path);
}

/* Waits until it is done. */
static inline void set_proxy(proxy *self, proxy_mode mode) {
    lock();
    self->wanted = mode;
    unlock();
    CHECK(write(self->wake[1], "", 1) == 1);
    AWAIT(self->mode == mode || self->mode == PROXY_CUT);
}

static inline void end_proxy(proxy *self) {
    lock();
    self->end = true;
    unlock();
    CHECK(write(self->wake[1], "", 1) == 1);
    join(self->thread);
    close(self->listener);
    close(self->wake[0]);
    close(self->wake[1]);
}

#endif
