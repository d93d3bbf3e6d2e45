// Is built for another processor than this machine's.
// As happens with an image for several architectures.
package main

func main() { println("hello") }
