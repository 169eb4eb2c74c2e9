/* Publishes lines of standard input to a JetStream stream, asynchronously, each with a message id, and waits until the
 * last one is acknowledged: what `ftsl send -l` is compared with.   usage: nats_publish URL STREAM SUBJECT */
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(natsStatus status, const char *what)
{
    if (status == NATS_OK)
        return;
    fprintf(stderr, "nats_publish: %s: %s\n", what, natsStatus_GetText(status));
    exit(1);
}

static void failed(jsCtx *js, jsPubAckErr *error, void *closure)
{
    (void)js;
    (void)closure;
    fprintf(stderr, "nats_publish: not acknowledged: %s\n", error->ErrText);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: nats_publish URL STREAM SUBJECT\n");
        return 64;
    }
    natsConnection *connection = NULL;
    jsCtx *js = NULL;
    jsOptions options;
    jsStreamConfig stream;
    const char *subjects[] = {argv[3]};
    check(natsConnection_ConnectTo(&connection, argv[1]), "connect");
    check(jsOptions_Init(&options), "options");
    options.PublishAsync.MaxPending = 8192;
    options.PublishAsync.ErrHandler = failed;
    check(natsConnection_JetStream(&js, connection, &options), "jetstream");
    check(jsStreamConfig_Init(&stream), "stream");
    stream.Name = argv[2];
    stream.Subjects = subjects;
    stream.SubjectsLen = 1;
    stream.Storage = js_FileStorage;
    check(js_AddStream(NULL, js, &stream, NULL, NULL), "add stream");

    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    unsigned long number = 0;
    while ((length = getline(&line, &room, stdin)) > 0) {
        if (line[length - 1] == '\n')
            length--;
        char id[32];
        snprintf(id, sizeof id, "%lu", ++number);
        jsPubOptions publish;
        jsPubOptions_Init(&publish);
        publish.MsgId = id;
        check(js_PublishAsync(js, argv[3], line, (int)length, &publish), "publish");
    }
    jsPubOptions wait;
    jsPubOptions_Init(&wait);
    wait.MaxWait = 60000;
    check(js_PublishAsyncComplete(js, &wait), "complete");
    free(line);
    jsCtx_Destroy(js);
    natsConnection_Destroy(connection);
    return 0;
}
