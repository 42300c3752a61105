package main

import (
	"bufio"
	"context"
	"fmt"
	"os"

	"golang.org/x/term"
)

// terminal is where a person can be asked.
type terminal interface {
	// ask shows a question and returns the line that is the answer.
	ask(ctx context.Context, question string) (string, error)
	// secret is ask without an echo.
	secret(ctx context.Context, question string) (string, error)
}

// console is the terminal that the process was started at.
type console struct{ in, out *os.File }

func (c *console) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(c.out, question)
	return await(ctx, func() (string, error) { return bufio.NewReader(c.in).ReadString('\n') })
}

func (c *console) secret(ctx context.Context, question string) (string, error) {
	fd := int(c.in.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprint(c.out, question)
	text, err := await(ctx, func() (string, error) {
		text, err := term.ReadPassword(fd)
		return string(text), err
	})
	fmt.Fprintln(c.out) // for the one that was not shown
	if ctx.Err() != nil {
		_ = term.Restore(fd, state) // an interrupt leaves no terminal without an echo
	}
	return text, err
}

// await returns what read returns, or the end of ctx. Nothing can stop who reads from a terminal or a pipe, so an interrupt leaves it
// to the end of the process, which is next.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() {
		text, err := read()
		got <- answer{text, err}
	}()
	select {
	case a := <-got:
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
