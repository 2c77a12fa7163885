// Command ombruk proves that returned computers are clean and gives them a
// second life. See README.md.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
