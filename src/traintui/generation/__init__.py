"""From a plan to scored conversations: plan, prompt, client, worker, and the rehearsal server."""
