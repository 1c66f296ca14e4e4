/* The terminal that texts for people go to, if it is one. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <sys/ioctl.h>
#include <unistd.h>

struct terminal_size {
    unsigned rows, columns;
};

/* Of the terminal with this descriptor. If nobody knows, that of the oldest ones. */
static struct terminal_size terminal_size(int fd) {
    struct terminal_size size = {24, 80};
#ifdef TIOCGWINSZ
    struct winsize now;
    if (ioctl(fd, TIOCGWINSZ, &now) == 0 && now.ws_row > 0 && now.ws_col > 0) {
        size.rows = now.ws_row;
        size.columns = now.ws_col;
    }
#endif
    return size;
}

/* Whether a text of lines is too high for the terminal, with a line of something else below. */
static int terminal_too_low(int fd, const char *text) {
    unsigned lines = 2;
    if (!isatty(fd)) return 0;
    for (; *text; text++) lines += *text == '\n';
    return lines > terminal_size(fd).rows;
}

#endif
