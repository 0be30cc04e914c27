-- Format 3. Sessions of users and their invitations stand beside the access tokens: access, session, invitation. Of the
-- last two `client_id` is the user's.
ALTER TABLE tokens ADD COLUMN sort TEXT NOT NULL DEFAULT 'access';
