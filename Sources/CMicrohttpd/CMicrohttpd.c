#define _GNU_SOURCE
#include "CMicrohttpd.h"

#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// The functions of libmicrohttpd that are used.
#define EACH(X)                                                                                    \
  X(MHD_start_daemon)                                                                              \
  X(MHD_stop_daemon)                                                                               \
  X(MHD_quiesce_daemon)                                                                            \
  X(MHD_suspend_connection)                                                                        \
  X(MHD_resume_connection)                                                                         \
  X(MHD_lookup_connection_value)                                                                   \
  X(MHD_get_connection_info)                                                                       \
  X(MHD_create_response_from_buffer)                                                               \
  X(MHD_create_response_from_callback)                                                             \
  X(MHD_add_response_header)                                                                       \
  X(MHD_queue_response)                                                                            \
  X(MHD_http_unescape)                                                                             \
  X(MHD_destroy_response)
#define DECLARE(name) static __typeof__(&name) p_##name;
EACH(DECLARE)

// A connection, which is given up where its request comes too slowly, or its answer is taken too slowly:
// libmicrohttpd gives up those alone on which nothing moves at all.
typedef struct connection {
  struct connection *next, *previous;
  int socket;
  // Seconds of the clock until which it must have moved on; 0 while it waits for its answer.
  atomic_long end;
  // Whether it is in the middle of an answer; and that end at which its client was seen to have closed.
  atomic_bool is_leaving;
  long closed_end;
} connection;

struct mhttpd_server {
  struct MHD_Daemon *daemon;
  int socket;
  uint16_t port;
  mhttpd_settings settings;
  char *unix_path;
  mhttpd_handler handler;
  void *context;
  // Guards the list of requests that libmicrohttpd has, and whether it is being stopped.
  pthread_mutex_t lock;
  mhttpd_request *first;
  unsigned live;
  connection *connections;
  atomic_uint connection_count;
  atomic_bool is_stopping;
  pthread_t watcher;
  pthread_cond_t over;
};

struct mhttpd_request {
  mhttpd_server *server;
  mhttpd_request *next, *previous;
  char *method, *path, *host, *origin, *authorization, *content_type;
  uint8_t *body;
  size_t body_size, body_room, refused;
  bool is_too_large, is_refused, is_handed_over, is_crowded;
  // Guards all that follows.
  pthread_mutex_t lock;
  unsigned owners;
  // NULL once libmicrohttpd is done with it.
  struct MHD_Connection *connection;
  struct connection *place;
  int socket;
  struct MHD_Response *response;
  unsigned status;
  bool is_suspended, is_queued, is_over, is_cut;
  uint8_t *unread;
  size_t unread_start, unread_count, unread_room;
};

bool mhttpd_open(void) {
  static bool tried;
  if (tried) return p_MHD_destroy_response != NULL;
  tried = true;
  void *library = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return false;
#define FIND(name)                                                                                 \
  p_##name = (__typeof__(&name))dlsym(library, #name);                                             \
  if (p_##name == NULL) return false;
  EACH(FIND)
  return true;
}

// MARK: Connections

static long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1;
}

static void on_connection(
    void *context, struct MHD_Connection *handle, void **place,
    enum MHD_ConnectionNotificationCode code) {
  mhttpd_server *server = context;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    connection *new = calloc(1, sizeof *new);
    const union MHD_ConnectionInfo *info =
        p_MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
    *place = new;
    if (new == NULL) return;
    new->socket = info == NULL ? -1 : info->connect_fd;
    new->end = now() + server->settings.timeout;
    pthread_mutex_lock(&server->lock);
    new->next = server->connections;
    if (new->next != NULL) new->next->previous = new;
    server->connections = new;
    server->connection_count++;
    pthread_mutex_unlock(&server->lock);
    return;
  }
  connection *old = *place;
  *place = NULL;
  if (old == NULL) return;
  pthread_mutex_lock(&server->lock);
  if (old->previous != NULL) old->previous->next = old->next;
  if (server->connections == old) server->connections = old->next;
  if (old->next != NULL) old->next->previous = old->previous;
  server->connection_count--;
  pthread_mutex_unlock(&server->lock);
  free(old);
}

// Whether a client has closed who is still to send a request. libmicrohttpd does not always notice: where the
// last bytes and the end come at the same time, its epoll tells of both at once. Twice, so that what came before
// the end is read.
static bool has_closed(connection *each, long end) {
  struct pollfd socket = {each->socket, POLLRDHUP, 0};
  if (each->is_leaving || poll(&socket, 1, 0) <= 0) return false;
  bool is_again = each->closed_end == end;
  each->closed_end = end;
  return is_again;
}

// Shuts sockets down whose time is over; libmicrohttpd sees it, and closes them.
static void *watch(void *context) {
  mhttpd_server *server = context;
  pthread_mutex_lock(&server->lock);
  while (!server->is_stopping) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec++;
    pthread_cond_timedwait(&server->over, &server->lock, &time);
    long second = now();
    for (connection *each = server->connections; each != NULL; each = each->next) {
      long end = each->end;
      if (end != 0 && each->socket >= 0 && (second > end || has_closed(each, end))) {
        shutdown(each->socket, SHUT_RDWR);
      }
    }
  }
  pthread_mutex_unlock(&server->lock);
  return NULL;
}

// MARK: Requests

static char *copy(const char *text) { return text == NULL ? NULL : strdup(text); }

static void resume(mhttpd_request *request) {
  if (!request->is_suspended) return;
  request->is_suspended = false;
  p_MHD_resume_connection(request->connection);
}

static void free_request(mhttpd_request *request) {
  pthread_mutex_destroy(&request->lock);
  free(request->method);
  free(request->path);
  free(request->host);
  free(request->origin);
  free(request->authorization);
  free(request->content_type);
  free(request->body);
  free(request->unread);
  free(request);
}

static void release(mhttpd_request *request) {
  pthread_mutex_lock(&request->lock);
  bool is_last = --request->owners == 0;
  pthread_mutex_unlock(&request->lock);
  if (is_last) free_request(request);
}

static size_t most_refused(mhttpd_server *server) { return server->settings.body * 16 + (1 << 20); }

static mhttpd_request *new_request(
    mhttpd_server *server, struct MHD_Connection *connection, const char *path,
    const char *method) {
  mhttpd_request *request = calloc(1, sizeof *request);
  if (request == NULL) return NULL;
  request->server = server;
  pthread_mutex_init(&request->lock, NULL);
  request->owners = 1;
  request->connection = connection;
  request->socket = -1;
  const union MHD_ConnectionInfo *info =
      p_MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  if (info != NULL) request->socket = info->connect_fd;
  info = p_MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  if (info != NULL) request->place = info->socket_context;
  // A kept connection has as long for each of its requests as for the first.
  if (request->place != NULL) request->place->end = now() + server->settings.timeout;
  request->method = copy(method);
  request->path = copy(path);
#define HEADER(name) copy(p_MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name))
  request->host = HEADER("Host");
  request->origin = HEADER("Origin");
  request->authorization = HEADER("Authorization");
  request->content_type = HEADER("Content-Type");
  const char *length =
      p_MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
  if (length != NULL && strtoull(length, NULL, 10) > server->settings.body) {
    request->is_too_large = true;
    // Clients read no answer before they have sent all, so what is not much too long is read in vain.
    request->is_refused = strtoull(length, NULL, 10) > most_refused(server);
  }
  pthread_mutex_lock(&server->lock);
  request->next = server->first;
  if (server->first != NULL) server->first->previous = request;
  server->first = request;
  server->live++;
  // A quarter of the connections is kept for those who are refused.
  request->is_crowded = server->live > server->settings.connections - server->settings.connections / 4;
  pthread_mutex_unlock(&server->lock);
  return request;
}

// False where so much is sent in vain that it is no mistake.
static bool add_to_body(mhttpd_request *request, const char *bytes, size_t count) {
  if (request->is_too_large || count > request->server->settings.body - request->body_size) {
    request->is_too_large = true;
    request->refused += count;
    return request->refused <= most_refused(request->server);
  }
  size_t needed = request->body_size + count;
  if (needed > request->body_room) {
    size_t room = needed * 2;
    uint8_t *body = realloc(request->body, room);
    if (body == NULL) {
      request->is_too_large = true;
      return true;
    }
    request->body = body;
    request->body_room = room;
  }
  memcpy(request->body + request->body_size, bytes, count);
  request->body_size = needed;
  return true;
}

static enum MHD_Result queue(mhttpd_request *request) {
  request->is_queued = true;
  // Where connections run short none is kept for what may come.
  unsigned most = request->server->settings.connections;
  if (request->is_crowded || request->server->connection_count > most - most / 4) {
    p_MHD_add_response_header(request->response, "Connection", "close");
  }
  enum MHD_Result result =
      p_MHD_queue_response(request->connection, request->status, request->response);
  p_MHD_destroy_response(request->response);
  request->response = NULL;
  return result;
}

// Hands a request over once; then, and whenever it is resumed, sends the answer that is there, or waits.
static enum MHD_Result answer_or_wait(mhttpd_request *request) {
  mhttpd_server *server = request->server;
  if (!request->is_handed_over) {
    request->is_handed_over = true;
    if (request->place != NULL) request->place->end = 0;
    if (request->is_too_large) request->body_size = 0;
    request->owners++;  // no other thread knows it yet
    server->handler(server->context, request);
  }
  pthread_mutex_lock(&request->lock);
  enum MHD_Result result = MHD_YES;
  if (request->response != NULL) {
    result = queue(request);
  } else if (request->is_cut || server->is_stopping) {
    result = MHD_NO;
  } else if (!request->is_suspended && !request->is_queued) {
    request->is_suspended = true;
    p_MHD_suspend_connection(request->connection);
  }
  pthread_mutex_unlock(&request->lock);
  return result;
}

static enum MHD_Result on_access(
    void *context, struct MHD_Connection *connection, const char *path, const char *method,
    const char *version, const char *bytes, size_t *count, void **place) {
  (void)version;
  mhttpd_request *request = *place;
  if (request == NULL) {
    request = new_request(context, connection, path, method);
    if (request == NULL) return MHD_NO;
    *place = request;
    // An answer before the body is read ends the connection after it.
    return request->is_refused ? answer_or_wait(request) : MHD_YES;
  }
  if (*count > 0) {
    bool goes_on = add_to_body(request, bytes, *count);
    *count = 0;
    return goes_on ? MHD_YES : MHD_NO;
  }
  return answer_or_wait(request);
}

static void on_completed(
    void *context, struct MHD_Connection *connection, void **place,
    enum MHD_RequestTerminationCode code) {
  (void)connection;
  (void)code;
  mhttpd_server *server = context;
  mhttpd_request *request = *place;
  if (request == NULL) return;
  *place = NULL;
  pthread_mutex_lock(&server->lock);
  if (request->previous != NULL) request->previous->next = request->next;
  if (server->first == request) server->first = request->next;
  if (request->next != NULL) request->next->previous = request->previous;
  server->live--;
  pthread_mutex_unlock(&server->lock);
  pthread_mutex_lock(&request->lock);
  request->connection = NULL;
  if (request->place != NULL) {
    request->place->end = now() + server->settings.timeout;
    request->place->is_leaving = false;
  }
  request->place = NULL;
  request->socket = -1;
  request->is_suspended = false;
  if (request->response != NULL) p_MHD_destroy_response(request->response);
  request->response = NULL;
  free(request->unread);
  request->unread = NULL;
  request->unread_count = request->unread_room = request->unread_start = 0;
  pthread_mutex_unlock(&request->lock);
  release(request);
}

static ssize_t on_read(void *context, uint64_t position, char *buffer, size_t room) {
  (void)position;
  mhttpd_request *request = context;
  pthread_mutex_lock(&request->lock);
  ssize_t result;
  if (request->is_cut || request->server->is_stopping) {
    result = MHD_CONTENT_READER_END_WITH_ERROR;
  } else if (request->unread_count > 0) {
    size_t count = request->unread_count < room ? request->unread_count : room;
    memcpy(buffer, request->unread + request->unread_start, count);
    request->unread_start += count;
    request->unread_count -= count;
    if (request->unread_count == 0) request->unread_start = 0;
    result = (ssize_t)count;
  } else if (request->is_over) {
    result = MHD_CONTENT_READER_END_OF_STREAM;
  } else {
    request->is_suspended = true;
    p_MHD_suspend_connection(request->connection);
    result = 0;
  }
  pthread_mutex_unlock(&request->lock);
  return result;
}

const char *mhttpd_method(mhttpd_request *request) { return request->method; }
const char *mhttpd_path(mhttpd_request *request) { return request->path; }
const uint8_t *mhttpd_body(mhttpd_request *request) { return request->body; }
size_t mhttpd_body_size(mhttpd_request *request) { return request->body_size; }
bool mhttpd_is_too_large(mhttpd_request *request) { return request->is_too_large; }
bool mhttpd_is_crowded(mhttpd_request *request) { return request->is_crowded; }
const char *mhttpd_host(mhttpd_request *request) { return request->host; }
const char *mhttpd_origin(mhttpd_request *request) { return request->origin; }
const char *mhttpd_authorization(mhttpd_request *request) { return request->authorization; }
const char *mhttpd_content_type(mhttpd_request *request) { return request->content_type; }

// MARK: Answers

// From now on the answer is to be taken, or the connection closed at once.
static void begin_leaving(mhttpd_request *request, bool at_once) {
  if (request->place == NULL) return;
  request->place->is_leaving = true;
  request->place->end = at_once ? 1 : now() + request->server->settings.leave;
}

static void add_headers(struct MHD_Response *response, const char *headers) {
  char name[64], value[1024];
  for (const char *line = headers; *line != 0;) {
    const char *end = strchr(line, '\n'), *colon = strchr(line, ':');
    if (end == NULL || colon == NULL || colon > end) return;
    size_t name_size = (size_t)(colon - line), value_size = (size_t)(end - colon) - 2;
    if (name_size < sizeof name && value_size < sizeof value) {
      memcpy(name, line, name_size);
      name[name_size] = 0;
      memcpy(value, colon + 2, value_size);
      value[value_size] = 0;
      p_MHD_add_response_header(response, name, value);
    }
    line = end + 1;
  }
}

void mhttpd_answer(
    mhttpd_request *request, unsigned status, const char *headers, const uint8_t *bytes,
    size_t count, bool is_whole) {
  pthread_mutex_lock(&request->lock);
  if (request->connection != NULL && request->response == NULL && !request->is_queued) {
    struct MHD_Response *response =
        is_whole ? p_MHD_create_response_from_buffer(count, (void *)bytes, MHD_RESPMEM_MUST_COPY)
                 : p_MHD_create_response_from_callback(
                       MHD_SIZE_UNKNOWN, 4096, on_read, request, NULL);
    if (response == NULL) {
      request->is_cut = true;
    } else {
      add_headers(response, headers);
      request->status = status;
      request->response = response;
      if (is_whole) begin_leaving(request, false);
    }
    resume(request);
  }
  pthread_mutex_unlock(&request->lock);
}

// Makes room behind what is unread; false where that is too much. What comes first may be of any size: nobody has
// been slow to read it.
static bool reserve(mhttpd_request *request, size_t count) {
  if (request->unread_count > 0 &&
      request->unread_count + count > request->server->settings.unread) {
    return false;
  }
  if (request->unread_start + request->unread_count + count <= request->unread_room) return true;
  if (request->unread_start > 0) {
    memmove(request->unread, request->unread + request->unread_start, request->unread_count);
    request->unread_start = 0;
  }
  size_t room = (request->unread_count + count) * 2;
  if (room <= request->unread_room) return true;
  uint8_t *unread = realloc(request->unread, room);
  if (unread == NULL) return false;
  request->unread = unread;
  request->unread_room = room;
  return true;
}

bool mhttpd_send(mhttpd_request *request, const uint8_t *bytes, size_t count) {
  pthread_mutex_lock(&request->lock);
  bool is_read = request->connection != NULL && !request->is_cut;
  if (is_read && count > 0) {
    is_read = reserve(request, count);
    if (is_read) {
      memcpy(request->unread + request->unread_start + request->unread_count, bytes, count);
      request->unread_count += count;
    } else {
      request->is_cut = true;
    }
    if (request->is_queued) resume(request);
  }
  pthread_mutex_unlock(&request->lock);
  return is_read;
}

void mhttpd_end(mhttpd_request *request, bool is_failure) {
  pthread_mutex_lock(&request->lock);
  request->is_over = true;
  if (is_failure) request->is_cut = true;
  begin_leaving(request, is_failure);
  if (request->connection != NULL) resume(request);
  pthread_mutex_unlock(&request->lock);
}

bool mhttpd_is_gone(mhttpd_request *request) {
  pthread_mutex_lock(&request->lock);
  bool is_gone = request->connection == NULL || request->is_cut;
  // A suspended connection is not watched by libmicrohttpd.
  if (!is_gone && request->is_suspended && request->socket >= 0) {
    struct pollfd socket = {request->socket, POLLRDHUP, 0};
    is_gone = poll(&socket, 1, 0) > 0 && (socket.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
    if (is_gone) {
      request->is_cut = true;
      resume(request);
    }
  }
  pthread_mutex_unlock(&request->lock);
  return is_gone;
}

void mhttpd_release(mhttpd_request *request) {
  // What was never answered is not left to wait.
  pthread_mutex_lock(&request->lock);
  if (request->connection != NULL && request->response == NULL && !request->is_queued) {
    request->is_cut = true;
    resume(request);
  }
  pthread_mutex_unlock(&request->lock);
  release(request);
}

// MARK: The server

static void ignore_log(void *context, const char *format, va_list arguments) {
  (void)context;
  (void)format;
  (void)arguments;
}

static int listen_at(const struct sockaddr *address, socklen_t size) {
  int descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return -1;
  int yes = 1;
  if (address->sa_family != AF_UNIX) {
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  }
  if (bind(descriptor, address, size) == 0 && listen(descriptor, 4096) == 0) return descriptor;
  int found = errno;
  close(descriptor);
  errno = found;
  return -1;
}

static int listen_unix(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int descriptor = listen_at((struct sockaddr *)&address, sizeof address);
  struct stat status;
  if (descriptor >= 0 || errno != EADDRINUSE || lstat(path, &status) != 0
      || !S_ISSOCK(status.st_mode)) {
    return descriptor;
  }
  // A socket at which nobody listens is left by a process that was killed.
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool is_dead = probe >= 0 && connect(probe, (struct sockaddr *)&address, sizeof address) != 0
      && errno == ECONNREFUSED;
  if (probe >= 0) close(probe);
  if (!is_dead) {
    errno = EADDRINUSE;
    return -1;
  }
  unlink(path);
  return listen_at((struct sockaddr *)&address, sizeof address);
}

static int listen_tcp(const char *name, uint16_t port, uint16_t *found) {
  char digits[8];
  snprintf(digits, sizeof digits, "%u", port);
  struct addrinfo hints = {
      .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
      .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
  struct addrinfo *addresses = NULL;
  if (getaddrinfo(name, digits, &hints, &addresses) != 0 || addresses == NULL) {
    errno = EADDRNOTAVAIL;
    return -1;
  }
  int descriptor = listen_at(addresses->ai_addr, addresses->ai_addrlen);
  int failure = errno;
  freeaddrinfo(addresses);
  errno = failure;
  if (descriptor < 0) return -1;
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  getsockname(descriptor, (struct sockaddr *)&address, &size);
  *found = ntohs(
      address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                    : ((struct sockaddr_in *)&address)->sin_port);
  return descriptor;
}

// A connection is an open file: as many of the connections wanted as there can be, with some files besides.
static unsigned allow_open_files(unsigned connections) {
  const unsigned others = 128;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return connections;
  if (limit.rlim_cur < connections + others) {
    limit.rlim_cur = limit.rlim_max < connections + others ? limit.rlim_max : connections + others;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= connections + others) return connections;
  return limit.rlim_cur > 2 * others ? (unsigned)limit.rlim_cur - others : others;
}

// A path that has a byte 0 in it is left as it is, so that it is nothing's.
static size_t unescape(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  return strstr(text, "%00") != NULL ? strlen(text) : p_MHD_http_unescape(text);
}

static void free_server(mhttpd_server *server) {
  if (server->socket >= 0) close(server->socket);
  if (server->unix_path != NULL) unlink(server->unix_path);
  free(server->unix_path);
  pthread_mutex_destroy(&server->lock);
  pthread_cond_destroy(&server->over);
  free(server);
}

mhttpd_server *mhttpd_start(
    const mhttpd_settings *settings, mhttpd_handler handler, void *context, char *error,
    size_t error_size) {
  mhttpd_server *server = calloc(1, sizeof *server);
  if (server == NULL) return NULL;
  pthread_mutex_init(&server->lock, NULL);
  pthread_cond_init(&server->over, NULL);
  server->settings = *settings;
  server->handler = handler;
  server->context = context;
  server->socket = settings->unix_path != NULL
      ? listen_unix(settings->unix_path)
      : listen_tcp(settings->address, settings->port, &server->port);
  if (server->socket < 0) {
    snprintf(error, error_size, "%s", strerror(errno));
    free_server(server);
    return NULL;
  }
  server->unix_path = copy(settings->unix_path);
  server->settings.connections = allow_open_files(settings->connections);
  server->daemon = p_MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG,
      0, NULL, NULL, on_access, server, MHD_OPTION_EXTERNAL_LOGGER, ignore_log, NULL,
      MHD_OPTION_LISTEN_SOCKET, server->socket, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
      MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_UNESCAPE_CALLBACK, unescape,
      NULL, MHD_OPTION_CONNECTION_LIMIT, server->settings.connections,
      MHD_OPTION_CONNECTION_TIMEOUT, settings->timeout, MHD_OPTION_END);
  if (server->daemon == NULL || pthread_create(&server->watcher, NULL, watch, server) != 0) {
    snprintf(error, error_size, "libmicrohttpd does not start");
    if (server->daemon != NULL) p_MHD_stop_daemon(server->daemon);
    free_server(server);
    return NULL;
  }
  return server;
}

uint16_t mhttpd_port(mhttpd_server *server) { return server->port; }

void mhttpd_close(mhttpd_server *server) {
  if (p_MHD_quiesce_daemon(server->daemon) == MHD_INVALID_SOCKET || server->socket < 0) return;
  close(server->socket);
  server->socket = -1;
}

unsigned mhttpd_live(mhttpd_server *server) {
  pthread_mutex_lock(&server->lock);
  unsigned live = server->live;
  pthread_mutex_unlock(&server->lock);
  return live;
}

void mhttpd_stop(mhttpd_server *server) {
  mhttpd_close(server);
  // libmicrohttpd cannot stop with connections that are suspended.
  pthread_mutex_lock(&server->lock);
  server->is_stopping = true;
  for (mhttpd_request *request = server->first; request != NULL; request = request->next) {
    pthread_mutex_lock(&request->lock);
    request->is_cut = true;
    if (request->connection != NULL) resume(request);
    pthread_mutex_unlock(&request->lock);
  }
  pthread_cond_signal(&server->over);
  pthread_mutex_unlock(&server->lock);
  pthread_join(server->watcher, NULL);
  p_MHD_stop_daemon(server->daemon);
  free_server(server);
}
