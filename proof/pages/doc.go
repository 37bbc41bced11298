// Command pages runs the commands of the documentation as they stand there.
//
// Its one promise: a page whose commands were run works as it is typed, by somebody who has nothing but the page.
// Commands are run which stand between the fences of a Markdown text:
//
//	```sh run       on any machine, without root: by go test ./proof/pages, each page in a folder and a network of its own
//	```sh server    on the home server, as a user with sudo: by this command
//	```sh pi        on the Raspberry Pi, as a user with sudo: by this command
//
// All else is to read only. What a page cannot name stands there as "…": piw1.… is the newest token that a block has
// printed. Nothing else is put in, and nothing is run beside. What a page starts in the background ends with it.
package main
