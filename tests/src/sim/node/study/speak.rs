//! What players are told by a node, after it is kept.

use super::*;

impl Node {
    pub(super) fn welcome(&mut self, env: &mut Env, id: JobId) {
        let now = self.now(env);
        let Some(Job::Study(job)) = self.jobs.get(&id) else { return };
        let Some((lesson, resume, conn)) = job.hello() else { return };
        let Some(live) = self.studies.live.get_mut(&job.learner) else { return };
        let state = &live.state;
        live.told = state.told;
        let open = state.open_challenge(now).map(|asked| asked.challenge);
        let challenge = open.and_then(|open| {
            let is_it = |told: &Told| matches!(told.what, ToldWhat::Challenge { challenge, .. } if challenge == open);
            state.told_after(state.told.saturating_sub(3)).unwrap_or_default().into_iter().rfind(is_it)
        });
        let welcome = Welcome {
            lesson,
            study: live.row.study,
            told: state.told,
            covered_ms: state.covered.total(),
            furthest_ms: state.covered.furthest(),
            challenge,
        };
        let missed = resume.map(|(_, seq)| state.told_after(seq));
        let told = state.told;
        env.push(conn, Push::Welcome(Box::new(welcome)));
        match missed {
            None => {}
            Some(None) => env.push(conn, Push::Resync { told }),
            Some(Some(missed)) => missed.into_iter().for_each(|told| tell(env, conn, lesson, told, None)),
        }
        let learner = job.learner;
        self.set_timer(env, learner);
    }

    /// Everything that the committed steps tell, and the refusal if there was one.
    pub(super) fn tell_all(&mut self, env: &mut Env, id: JobId, pending: &Pending) {
        let Some(Job::Study(job)) = self.jobs.get(&id) else { return };
        let (learner, command) = (job.learner, job.command_id());
        if let Some(refusal) = &pending.decided.refused {
            self.tell_refused(env, id, refusal.clone());
        }
        self.catch_up(env, learner, Some(&pending.after), command);
    }

    /// Tells all that was not told over the connection yet: what this node did, and what another one did
    /// meanwhile.
    pub(super) fn catch_up(
        &mut self,
        env: &mut Env,
        learner: PersonId,
        after: Option<&Lesson>,
        command: Option<CommandId>,
    ) {
        let Some(live) = self.studies.live.get_mut(&learner) else { return };
        let state = after.unwrap_or(&live.state);
        let (Some(conn), lesson) = (live.conn, live.row.lesson) else { return };
        let verdict = command.and_then(|command| state.verdict(&command)).map(|verdict| verdict.told.seq);
        let (missed, told) = (state.told_after(live.told), state.told);
        live.told = told;
        let Some(missed) = missed else { return env.push(conn, Push::Resync { told }) };
        for told in missed {
            let of_command = command.filter(|_| verdict == Some(told.seq));
            tell(env, conn, lesson, told, of_command);
        }
    }

    pub(super) fn tell_refused(&self, env: &mut Env, id: JobId, refusal: Refusal) {
        let Some(Job::Study(job)) = self.jobs.get(&id) else { return };
        if let Some(conn) = self.studies.live.get(&job.learner).and_then(|live| live.conn) {
            env.push(conn, Push::Refused { command: job.command_id(), refusal });
        }
    }
}
