// Package pluginmgr lets a host call the plugins of its pod: it follows the controller's registry in the shared run
// directory and gives out the workers that serve, each behind a connection of its own, with no proxy between.
//
// [Follow] gives a [Pool]. [Pool.Call] runs one call on the least busy worker of a plugin; [Pool.Acquire] and
// [Worker.Release] are the same in two steps. Where a worker drains, no new call begins on it, and the controller is told
// once the last one has ended: a plugin that is replaced loses no call.
//
// The messages of the bundled kinds are in package kindsv1.
package pluginmgr
