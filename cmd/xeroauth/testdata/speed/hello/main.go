// Command hello is the least that a Go program can do: TestSpeed measures
// against it.
package main

import "fmt"

func main() { fmt.Println("hello") }
