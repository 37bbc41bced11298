// Package trial has localcore stand in for AWS beside a gateway, until there is an account. Its promises: Start touches
// no gateway that is set up for AWS, and nil means that the gateway sends to localcore, where services of this machine run
// both; interrupted, the same call goes on where it stopped; Stop, and `aws setup`, leave nothing of what Start has changed.
//
// What is kept is in gateway.yaml alone (settings.Config.ForTrial): the endpoint names the port, and the page has the one
// after it. localcore listens for MQTT on this machine only. Its page can be read, and nothing else be done with it, from
// private networks: it shows in clear what devices send. What localcore knows is in memory, and gone when it ends.
package trial
