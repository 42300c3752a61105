// Command find says where the server is that tests will use, or what to install. It is for the Makefile.
package main

import (
	"fmt"
	"os"

	"github.com/scrip-go/scrip/internal/pgtest"
)

func main() {
	where, err := pgtest.Find()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(where)
}
