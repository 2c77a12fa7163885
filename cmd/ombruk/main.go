// Command ombruk proves that returned computers are clean and gives them a
// second life. See README.md.
package main

import (
	"os"
	"runtime/debug"
)

func main() {
	// The heap is a few megabytes and what is large lies outside of it, so
	// collecting it less often saves some of the processor time of a short
	// run. Twice that would cost another 8 MiB and save nothing more: the
	// inventory of a big machine is to fit into 40 MiB.
	debug.SetGCPercent(200)
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
