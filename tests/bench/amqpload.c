/* amqpload: load for a RabbitMQ broker on this machine and what the broker itself can do, in C (librabbitmq), so that
 * the load takes as little as possible of the processors that the measured services run on.
 *
 *   amqpload publish --count N --key K [--exchange X] [--window W] [--rate R] [--size BYTES] [--user-id U] [--type T]
 *                    [--header NAME=VALUE ...] [--to-file F [--random SEED]] [--before TEXT] [--after TEXT]
 *                    [--id-header NAME]
 *       persistent, with pipelined confirms, W at most unconfirmed; R a second, or as fast as they are confirmed; the
 *       payload between the two texts, and the message id in a header, too, for who wants it so
 *   amqpload relay   --count N --from Q --queue Q2
 *       consume Q, publish to Q2 with confirms, ack what is confirmed
 *   amqpload drain   --count N --from Q[,Q2,...] [--counted TYPE] [--ids F] [--delays F]
 *       consume and ack, until N are there; with --counted, N of that type
 *   amqpload answer  --count N --from inbox.A[,inbox.B,...]
 *       consume queries, publish an answer to each to the exchange ingress with confirms, ack the answered ones
 *
 * Common: --url amqp://USER:PASSWORD@HOST:PORT/VHOST, --idle S (give up after so long without a message), --prefetch P.
 * --to-file has one address a line; header `to` takes them in turn, or at random with --random. --ids gets a line for
 * each counted message with its message id; --delays one with the microseconds since the moment at which it was due to
 * be published, by CLOCK_MONOTONIC, which its payload begins with. Whoever consumes prints `consuming` when it does.
 *
 * Every mode ends with one line of JSON: {"count", "started", "ended", "cpu"}; the moments are seconds of
 * CLOCK_MONOTONIC, which all processes of a machine share: of the first and the last message counted; `cpu` is in
 * seconds. Exit status 1 on any error, a nack, a return, or fewer messages than asked within the idle time.
 */
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_HEADERS 16
#define CONFIRM_WITHIN_S 120
#define LOOK_EVERY 64 /* messages between two looks at confirms */
#define PAUSE_S 0.002 /* between two looks while nothing comes */

static struct {
  const char *url, *exchange, *key, *from, *queue, *user_id, *type, *to_file, *counted, *ids, *delays, *before, *after, *id_header;
  char *header_name[MAX_HEADERS], *header_value[MAX_HEADERS];
  int headers, random;
  long count, window, size, prefetch;
  double rate, idle;
  unsigned seed;
} option = {.url = "amqp://guest:guest@127.0.0.1:5672/", .exchange = "", .count = 10000, .window = 2000, .size = 512,
            .prefetch = 2000, .idle = 30, .before = "", .after = ""};

/* What was published on a connection: messages 1 to `through` are confirmed, and some of those behind it. */
typedef struct {
  amqp_connection_state_t connection;
  long sent, through;
  char *confirmed;
} outlet;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static void sleep_until(double moment) {
  struct timespec t = {(time_t)moment, (long)((moment - (time_t)moment) * 1e9)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static struct timeval in_timeval(double seconds) {
  return (struct timeval){(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e6)};
}

static void die(const char *what) {
  fprintf(stderr, "amqpload: %s\n", what);
  exit(1);
}

static void check(amqp_rpc_reply_t reply, const char *what) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    amqp_channel_close_t *close = reply.reply.decoded;
    fprintf(stderr, "amqpload: %s: %.*s\n", what, (int)close->reply_text.len, (char *)close->reply_text.bytes);
    exit(1);
  }
  die(what);
}

static void *at_least(void *memory) {
  if (!memory) die("no memory");
  return memory;
}

static FILE *open_file(const char *path, const char *mode) {
  FILE *file = path ? fopen(path, mode) : NULL;
  if (path && !file) die("a file cannot be opened");
  return file;
}

static amqp_connection_state_t open_connection(void) {
  char *copy = at_least(strdup(option.url));
  struct amqp_connection_info to;
  if (amqp_parse_url(copy, &to)) die("bad --url");
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(connection);
  if (!socket || amqp_socket_open(socket, to.host, to.port)) die("cannot connect");
  check(amqp_login(connection, *to.vhost ? to.vhost : "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, to.user, to.password),
        "login");
  amqp_channel_open(connection, 1);
  check(amqp_get_rpc_reply(connection), "channel");
  free(copy);
  return connection;
}

/* In order, so that the broker has taken every ack before the process ends. */
static void close_connection(amqp_connection_state_t connection) {
  check(amqp_channel_close(connection, 1, AMQP_REPLY_SUCCESS), "close");
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
}

static outlet open_outlet(void) {
  outlet out = {.connection = open_connection(), .confirmed = at_least(calloc(option.count + 2, 1))};
  amqp_confirm_select(out.connection, 1);
  check(amqp_get_rpc_reply(out.connection), "confirm.select");
  return out;
}

static void put(outlet *out, const char *exchange, amqp_bytes_t key, amqp_basic_properties_t *properties,
                amqp_bytes_t body) {
  if (amqp_basic_publish(out->connection, 1, amqp_cstring_bytes(exchange), key, 1, 0, properties, body)) die("publish");
  out->sent++;
}

/* Take one frame of what the broker says to a publisher, waiting for at most so long; 0 when none came. */
static int take_confirm(outlet *out, double wait_s) {
  amqp_frame_t frame;
  struct timeval limit = in_timeval(wait_s);
  amqp_maybe_release_buffers(out->connection);
  int status = amqp_simple_wait_frame_noblock(out->connection, &frame, &limit);
  if (status == AMQP_STATUS_TIMEOUT) return 0;
  if (status) die("the publishing connection broke");
  if (frame.frame_type != AMQP_FRAME_METHOD) return 1;
  switch (frame.payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      amqp_basic_ack_t *ack = frame.payload.method.decoded;
      long tag = (long)ack->delivery_tag;
      if (tag > out->sent) die("a confirm for what was not published");
      if (ack->multiple && tag > out->through) out->through = tag;
      out->confirmed[tag] = 1;
      while (out->confirmed[out->through + 1]) out->through++;
      return 1;
    }
    case AMQP_BASIC_NACK_METHOD: die("the broker nacked a publish"); break;
    case AMQP_BASIC_RETURN_METHOD: die("a publish was returned: unroutable"); break;
    case AMQP_CHANNEL_CLOSE_METHOD: {
      amqp_channel_close_t *close = frame.payload.method.decoded;
      fprintf(stderr, "amqpload: channel closed: %.*s\n", (int)close->reply_text.len, (char *)close->reply_text.bytes);
      exit(1);
    }
  }
  return 1;
}

static void consume(amqp_connection_state_t connection, int many) {
  if (!option.from) die("say --from where");
  amqp_basic_qos(connection, 1, 0, option.prefetch, 0);
  char *names = at_least(strdup(option.from));
  for (char *name = strtok(names, ","); name; name = many ? strtok(NULL, ",") : NULL) {
    amqp_basic_consume(connection, 1, amqp_cstring_bytes(name), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    check(amqp_get_rpc_reply(connection), "consume");
  }
  free(names);
  puts("consuming");
  fflush(stdout);
}

/* The next message, if one comes within so long. */
static int next(amqp_connection_state_t connection, amqp_envelope_t *envelope, double wait_s) {
  struct timeval limit = in_timeval(wait_s);
  amqp_maybe_release_buffers(connection);
  amqp_rpc_reply_t reply = amqp_consume_message(connection, envelope, &limit, 0);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return 1;
  if (reply.reply_type != AMQP_RESPONSE_LIBRARY_EXCEPTION || reply.library_error != AMQP_STATUS_TIMEOUT)
    die("the consuming connection broke");
  return 0;
}

static void ack_through(amqp_connection_state_t connection, uint64_t tag) {
  if (amqp_basic_ack(connection, 1, tag, 1)) die("ack");
}

static int is(amqp_bytes_t bytes, const char *text) {
  return bytes.len == strlen(text) && !memcmp(bytes.bytes, text, bytes.len);
}

static void report(long count, double started, double ended) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
  printf("{\"count\": %ld, \"started\": %.6f, \"ended\": %.6f, \"cpu\": %.6f}\n", count, started, ended, cpu);
}

static void too_few(long got, double started, double last) {
  report(got, started, last);
  die("fewer messages than asked within the idle time");
}

/* A UUID of version 7: the moment of the start, the process, and a number. */
static void write_id(char id[37], long number) {
  static uint64_t started_ms;
  if (!started_ms) started_ms = (uint64_t)time(NULL) * 1000;
  snprintf(id, 37, "%08x-%04x-7%03x-8%03x-%012lx", (unsigned)(started_ms >> 16), (unsigned)(started_ms & 0xffff),
           (unsigned)(getpid() & 0xfff), (unsigned)((getpid() >> 12) & 0xfff), number);
}

/* `{"FIRST": "0000001234567890", "note": "xxx…"}`, with FIRST the microseconds of a moment; its length. */
static size_t write_body(char *body, const char *first, double moment) {
  long length = snprintf(body, option.size + 96, "{\"%s\":\"%016lld\"", first, (long long)(moment * 1e6));
  if (length + 12 <= option.size && strcmp(first, "note")) {
    length += sprintf(body + length, ",\"note\":\"");
    while (length < option.size - 2) body[length++] = 'x';
    body[length++] = '"';
  } else if (length + 1 < option.size) {
    length--;
    while (length < option.size - 2) body[length++] = 'x';
    body[length++] = '"';
  }
  body[length++] = '}';
  return length;
}

static long long moment_in(amqp_bytes_t body) {
  char digits[17] = {0};
  const char *quote = body.len > 32 ? memchr((char *)body.bytes + 3, ':', 16) : NULL;
  if (!quote) die("a message without a moment");
  memcpy(digits, quote + 2, 16);
  return atoll(digits);
}

static char **read_lines(const char *path, long *lines) {
  FILE *file = open_file(path, "r");
  char line[256], **read = NULL;
  for (*lines = 0; fgets(line, sizeof line, file);) {
    line[strcspn(line, "\r\n")] = 0;
    if (!*line) continue;
    read = at_least(realloc(read, (*lines + 1) * sizeof *read));
    read[(*lines)++] = at_least(strdup(line));
  }
  fclose(file);
  if (!*lines) die("--to-file is empty");
  return read;
}

static void header(amqp_table_entry_t *entry, const char *name, const char *value) {
  entry->key = amqp_cstring_bytes(name);
  entry->value.kind = AMQP_FIELD_KIND_UTF8;
  entry->value.value.bytes = amqp_cstring_bytes(value);
}

static void publish(void) {
  if (!option.key) die("publish needs --key");
  long recipients = 0;
  char **to = option.to_file ? read_lines(option.to_file, &recipients) : NULL;
  amqp_table_entry_t headers[MAX_HEADERS + 2], *to_header = &headers[option.headers], *id_header = to_header + !!to;
  for (int i = 0; i < option.headers; i++) header(&headers[i], option.header_name[i], option.header_value[i]);
  amqp_basic_properties_t properties = {.delivery_mode = 2,
                                        .content_type = amqp_cstring_bytes("application/json"),
                                        .headers = {option.headers + !!to + !!option.id_header, headers}};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG |
                      AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_HEADERS_FLAG;
  if (option.type) properties._flags |= AMQP_BASIC_TYPE_FLAG, properties.type = amqp_cstring_bytes(option.type);
  if (option.user_id)
    properties._flags |= AMQP_BASIC_USER_ID_FLAG, properties.user_id = amqp_cstring_bytes(option.user_id);
  size_t before = strlen(option.before), after = strlen(option.after);
  char id[37], *body = at_least(malloc(before + option.size + 128 + after));
  memcpy(body, option.before, before);
  outlet out = open_outlet();
  double started = now();
  while (out.through < option.count) {
    while (out.sent < option.count && out.sent - out.through < option.window) {
      double due = option.rate > 0 ? started + out.sent / option.rate : now();
      if (due > now()) {
        /* What was confirmed meanwhile is taken first: the sleep is exact, waiting for a frame is so to the ms. */
        while (take_confirm(&out, 0));
        sleep_until(due);
      }
      write_id(id, out.sent);
      size_t length = before + write_body(body + before, "subject", due);
      memcpy(body + length, option.after, after);
      amqp_bytes_t payload = {length + after, body};
      properties.message_id = amqp_cstring_bytes(id);
      properties.timestamp = (uint64_t)time(NULL);
      if (to) header(to_header, "to", to[(option.random ? rand_r(&option.seed) : out.sent) % recipients]);
      if (option.id_header) header(id_header, option.id_header, id);
      put(&out, option.exchange, amqp_cstring_bytes(option.key), &properties, payload);
    }
    if (!take_confirm(&out, CONFIRM_WITHIN_S)) die("no confirm in time");
  }
  report(option.count, started, now());
  close_connection(out.connection);
}

/* Consume, publish something for each message, and ack what is confirmed: `make` publishes, or returns 0 for nothing. */
static void pass_on(int (*make)(outlet *, amqp_envelope_t *)) {
  amqp_connection_state_t in = open_connection();
  outlet out = open_outlet();
  uint64_t *tag_of = at_least(calloc(option.count + 1, sizeof *tag_of)), tag = 0;
  consume(in, 1);
  double started = 0, last = now();
  for (long acked = 0, looks = 0; acked < option.count; looks++) {
    amqp_envelope_t envelope;
    int got = out.sent < option.count && next(in, &envelope, PAUSE_S);
    if (got) {
      last = now();
      if (!out.sent) started = last;
      tag = envelope.delivery_tag;
      if (make(&out, &envelope)) tag_of[out.sent] = tag;
      amqp_destroy_envelope(&envelope);
    } else if (now() - last > option.idle) {
      too_few(out.sent, started, last);
    }
    if (got && looks % LOOK_EVERY) continue;
    while (take_confirm(&out, out.sent == option.count && out.through < out.sent ? PAUSE_S : 0));
    if (out.through > acked) ack_through(in, tag_of[acked = out.through]);
  }
  report(option.count, started, last);
  if (tag > tag_of[option.count]) ack_through(in, tag);
  close_connection(in);
  close_connection(out.connection);
}

static int relayed(outlet *out, amqp_envelope_t *envelope) {
  put(out, "", amqp_cstring_bytes(option.queue), &envelope->message.properties, envelope->message.body);
  return 1;
}

static int answered(outlet *out, amqp_envelope_t *envelope) {
  if (!is(envelope->message.properties.type, "query")) return 0;
  static char *body;
  if (!body) body = at_least(malloc(option.size + 128));
  char id[37];
  write_id(id, out->sent);
  amqp_table_entry_t outcome;
  header(&outcome, "outcome", "confirmed");
  /* The router addresses an inbox by its account. */
  amqp_basic_properties_t answer = {.delivery_mode = 2,
                                    .content_type = amqp_cstring_bytes("application/json"),
                                    .type = amqp_cstring_bytes("answer"),
                                    .user_id = envelope->routing_key,
                                    .message_id = amqp_cstring_bytes(id),
                                    .correlation_id = envelope->message.properties.message_id,
                                    .headers = {1, &outcome}};
  answer._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_TYPE_FLAG |
                  AMQP_BASIC_USER_ID_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG |
                  AMQP_BASIC_HEADERS_FLAG;
  amqp_bytes_t payload = {write_body(body, "note", now()), body};
  put(out, "ingress", amqp_cstring_bytes("answer"), &answer, payload);
  return 1;
}

static void drain(void) {
  FILE *ids = open_file(option.ids, "w"), *delays = open_file(option.delays, "w");
  amqp_connection_state_t in = open_connection();
  consume(in, 1);
  uint64_t tag = 0, acked = 0;
  double started = 0, last = now();
  for (long got = 0; got < option.count;) {
    amqp_envelope_t envelope;
    if (!next(in, &envelope, 0.1)) {
      if (tag > acked) ack_through(in, acked = tag);
      if (now() - last > option.idle) too_few(got, started, last);
      continue;
    }
    tag = envelope.delivery_tag;
    if (!option.counted || is(envelope.message.properties.type, option.counted)) {
      last = now();
      if (!got++) started = last;
      amqp_bytes_t id = envelope.message.properties.message_id;
      if (ids) fprintf(ids, "%.*s\n", (int)id.len, (char *)id.bytes);
      if (delays) fprintf(delays, "%lld\n", (long long)(last * 1e6) - moment_in(envelope.message.body));
    }
    amqp_destroy_envelope(&envelope);
    if (tag - acked >= 100 || got == option.count) ack_through(in, acked = tag);
  }
  report(option.count, started, last);
  if ((ids && fclose(ids)) || (delays && fclose(delays))) die("a file cannot be written");
  close_connection(in);
}

static void add_header(char *text) {
  char *equals = strchr(text, '=');
  if (!equals || option.headers == MAX_HEADERS) die("--header NAME=VALUE, 16 at most");
  *equals = 0;
  option.header_name[option.headers] = text;
  option.header_value[option.headers++] = equals + 1;
}

static void read_options(int argc, char **argv) {
  static const struct option names[] = {
      {"url", 1, 0, 'u'},     {"exchange", 1, 0, 'x'}, {"key", 1, 0, 'k'},      {"from", 1, 0, 'f'},
      {"queue", 1, 0, 'q'},   {"count", 1, 0, 'n'},    {"window", 1, 0, 'w'},   {"rate", 1, 0, 'r'},
      {"size", 1, 0, 's'},    {"type", 1, 0, 't'},     {"user-id", 1, 0, 'i'},  {"header", 1, 0, 'h'},
      {"to-file", 1, 0, 'T'}, {"random", 1, 0, 'R'},   {"counted", 1, 0, 'c'},  {"ids", 1, 0, 'I'},
      {"delays", 1, 0, 'D'},  {"idle", 1, 0, 'l'},     {"prefetch", 1, 0, 'p'}, {"before", 1, 0, 'b'},
      {"after", 1, 0, 'a'},   {"id-header", 1, 0, 'H'}, {0, 0, 0, 0}};
  int letter;
  optind = 2;
  while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) switch (letter) {
      case 'u': option.url = optarg; break;
      case 'x': option.exchange = optarg; break;
      case 'k': option.key = optarg; break;
      case 'f': option.from = optarg; break;
      case 'q': option.queue = optarg; break;
      case 'n': option.count = atol(optarg); break;
      case 'w': option.window = atol(optarg); break;
      case 'r': option.rate = atof(optarg); break;
      case 's': option.size = atol(optarg); break;
      case 't': option.type = optarg; break;
      case 'i': option.user_id = optarg; break;
      case 'h': add_header(optarg); break;
      case 'T': option.to_file = optarg; break;
      case 'R': option.random = 1, option.seed = (unsigned)atol(optarg); break;
      case 'c': option.counted = optarg; break;
      case 'I': option.ids = optarg; break;
      case 'D': option.delays = optarg; break;
      case 'l': option.idle = atof(optarg); break;
      case 'b': option.before = optarg; break;
      case 'a': option.after = optarg; break;
      case 'H': option.id_header = optarg; break;
      case 'p': option.prefetch = atol(optarg); break;
      default: die("unknown option");
    }
  if (option.count < 1 || option.window < 1 || option.size < 1) die("--count, --window and --size are at least 1");
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  read_options(argc, argv);
  if (!strcmp(mode, "publish")) publish();
  else if (!strcmp(mode, "relay")) {
    if (!option.queue) die("relay needs --queue");
    pass_on(relayed);
  } else if (!strcmp(mode, "answer")) pass_on(answered);
  else if (!strcmp(mode, "drain")) drain();
  else die("usage: amqpload publish|relay|drain|answer OPTIONS (see the head of amqpload.c)");
  return 0;
}
