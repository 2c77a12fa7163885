package contract

import _ "embed"

//go:embed example.yaml
var example []byte

// Example is a contract file with comments to begin from: a framework agreement
// with one national and three regional sub-contracts.
func Example() []byte { return append([]byte(nil), example...) }
