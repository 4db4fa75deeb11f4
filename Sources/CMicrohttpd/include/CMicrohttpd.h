// An HTTP server by libmicrohttpd, which is opened when it is first asked for: a tool that serves nothing
// starts without it, and runs where it is not installed.
//
// The server has a thread of its own, which waits by epoll. A request is handed over when its body is read
// (or refused), is answered by any thread, whole or piece by piece, and waits suspended for that.
#ifndef CMICROHTTPD_H
#define CMICROHTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mhttpd_server mhttpd_server;
typedef struct mhttpd_request mhttpd_request;

// Told of a request on the server's thread: it must not block. What it is given it must release once.
typedef void (*mhttpd_handler)(void *_Nullable context, mhttpd_request *_Nonnull request);

typedef struct {
  // A numeric address, or the path of a UNIX socket, and nothing else.
  const char *_Nullable address;
  const char *_Nullable unix_path;
  // 0 for any that is free.
  uint16_t port;
  unsigned connections;
  // Seconds after which a connection is closed on which nothing moves, or no whole request has come.
  unsigned timeout;
  // Seconds after which a connection is closed whose answer is finished and not taken.
  unsigned leave;
  // The most bytes of a body.
  size_t body;
  // The most bytes of an answer that wait for a slow reader.
  size_t unread;
} mhttpd_settings;

// Whether libmicrohttpd is there. Not to be called on two threads at once.
bool mhttpd_open(void);

// Listens; NULL with an error's sentence where that fails. Needs mhttpd_open.
mhttpd_server *_Nullable mhttpd_start(
    const mhttpd_settings *_Nonnull settings, mhttpd_handler _Nonnull handler,
    void *_Nullable context, char *_Nonnull error, size_t error_size);
// The port that it listens at; 0 for a UNIX socket.
uint16_t mhttpd_port(mhttpd_server *_Nonnull server);
// Accepts no more connections; those that are there go on.
void mhttpd_close(mhttpd_server *_Nonnull server);
// The requests that are not over.
unsigned mhttpd_live(mhttpd_server *_Nonnull server);
// Ends all connections and frees the server; requests that are not released yet stay until they are.
void mhttpd_stop(mhttpd_server *_Nonnull server);

// What was asked; the texts live as long as the request.
const char *_Nonnull mhttpd_method(mhttpd_request *_Nonnull request);
const char *_Nonnull mhttpd_path(mhttpd_request *_Nonnull request);
const uint8_t *_Nullable mhttpd_body(mhttpd_request *_Nonnull request);
size_t mhttpd_body_size(mhttpd_request *_Nonnull request);
// Whether the body was longer than allowed; it is empty then.
bool mhttpd_is_too_large(mhttpd_request *_Nonnull request);
// Whether so many requests are not over that there is hardly room to refuse more.
bool mhttpd_is_crowded(mhttpd_request *_Nonnull request);
// The headers Host, Origin, Authorization and Content-Type; NULL where one was not sent.
const char *_Nullable mhttpd_host(mhttpd_request *_Nonnull request);
const char *_Nullable mhttpd_origin(mhttpd_request *_Nonnull request);
const char *_Nullable mhttpd_authorization(mhttpd_request *_Nonnull request);
const char *_Nullable mhttpd_content_type(mhttpd_request *_Nonnull request);

// Begins the answer; headers are lines "Name: value\n". With is_whole the bytes are all of it.
void mhttpd_answer(
    mhttpd_request *_Nonnull request, unsigned status, const char *_Nonnull headers,
    const uint8_t *_Nullable bytes, size_t count, bool is_whole);
// A piece more of an answer that is not whole; false where nobody reads it any more, or too slowly.
bool mhttpd_send(mhttpd_request *_Nonnull request, const uint8_t *_Nullable bytes, size_t count);
// The end of such an answer; with an error the connection is cut.
void mhttpd_end(mhttpd_request *_Nonnull request, bool is_failure);
// Whether nobody waits for the answer any more.
bool mhttpd_is_gone(mhttpd_request *_Nonnull request);
// To be called once, when nothing more is done with a request.
void mhttpd_release(mhttpd_request *_Nonnull request);

#endif
