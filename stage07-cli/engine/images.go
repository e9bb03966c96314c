package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"cooper/stage05-images"
)

// RemoveImage removes a name, or the image with its last name; it refuses while
// a container uses it, unless forced, and reports as Docker does ("Untagged: …",
// "Deleted: …").
func (e *Engine) RemoveImage(_ context.Context, name string, force bool) (report []string, err error) {
	img, err := e.store.Find(name)
	switch {
	case errors.Is(err, images.ErrNotFound):
		return nil, tell(ErrNoImage, "No such image: %s", quotedImage(name))
	case err == nil:
		if err := e.mayRemove(img, name, force); err != nil {
			return nil, err
		}
	case !errors.Is(err, images.ErrCorrupt):
		return nil, err
	}
	done, err := e.store.Remove(name, force)
	if errors.Is(err, images.ErrHasNames) {
		err = tell(ErrConflict, "%s", err)
	}
	for _, untagged := range done.Untagged {
		report = append(report, "Untagged: "+untagged)
	}
	for _, deleted := range done.Deleted {
		report = append(report, "Deleted: "+deleted.String())
	}
	return report, err
}

// mayRemove refuses to take an image's last name while containers stand on it.
// A running one is never left without its image: nothing could be committed or
// looked up of it.
func (e *Engine) mayRemove(img *images.Image, name string, force bool) error {
	byID := strings.HasPrefix(img.ID.Encoded(), strings.TrimPrefix(name, "sha256:"))
	if len(img.Names) > 1 && !byID {
		return nil // the image stays
	}
	users, running, err := e.usersOf(img)
	if err != nil {
		return err
	}
	switch {
	case running != "":
		return tell(ErrConflict, "conflict: unable to remove repository reference %q (cannot be forced) - container %s is using its referenced image %s", name, running[:12], images.ShortID(img.ID))
	case len(users) > 0 && !force:
		return tell(ErrConflict, "conflict: unable to remove repository reference %q (must force) - container %s is using its referenced image %s", name, users[0][:12], images.ShortID(img.ID))
	}
	return nil
}

func (e *Engine) usersOf(img *images.Image) (users []string, running string, err error) {
	ids, err := e.ids()
	if err != nil {
		return nil, "", err
	}
	for _, id := range ids {
		c, err := e.load(id)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, "", fmt.Errorf("look for users of the image: %w", err)
		}
		if c.config.ImageID != img.ID.String() {
			continue
		}
		users = append(users, id)
		if c.active() {
			running = id
		}
	}
	return users, running, nil
}
