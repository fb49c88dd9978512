"use client";

import { useEffect, useRef, useState } from "react";
import { here, hrefs } from "./routes";

/** What a connection is doing. waiting: it was lost and is tried again; ended: the other end has said all there is. */
export type SocketState = "connecting" | "open" | "waiting" | "ended";

const firstDelay = 250; // milliseconds before the first new attempt; doubled each time
const longestDelay = 5000;

/**
 * useSocket keeps a WebSocket open while it is mounted, and is the only place that does. Each message is given to
 * onMessage, parsed. A lost connection is made again by itself: with growing pauses, and at once when the browser says
 * that the network or the tab is back. address is asked before each attempt, so that a reader of a log resumes at the
 * offset it has; null means no connection for now.
 *
 * Close codes are the server's: 1000 the end was reached, 1008 the session is over, all others resume.
 */
export function useSocket<M>(address: (() => string) | null, onMessage: (message: M) => void): SocketState {
  const [state, setState] = useState<SocketState>("connecting");
  const latest = useRef({ address, onMessage });
  useEffect(() => {
    latest.current = { address, onMessage };
  });
  const wanted = address !== null;

  useEffect(() => {
    if (!wanted) return;
    let socket: WebSocket | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    let over = false;

    const connect = () => {
      clearTimeout(timer);
      timer = undefined;
      const path = latest.current.address?.();
      if (over || !path) return;
      socket = new WebSocket(path);
      socket.onopen = () => {
        failures = 0;
        setState("open");
      };
      socket.onmessage = (e: MessageEvent<string>) => latest.current.onMessage(JSON.parse(e.data) as M);
      socket.onclose = (e) => {
        socket = undefined;
        if (over) return;
        if (e.code === 1000) {
          over = true;
          setState("ended");
          return;
        }
        if (e.code === 1008) {
          location.replace(hrefs.login(here()));
          return;
        }
        setState("waiting");
        // A refused handshake looks like a lost connection to a browser: ask whether the session still holds.
        if (failures++ % 4 === 1) void checkSession();
        const delay = Math.min(longestDelay, firstDelay * 2 ** Math.min(failures, 8));
        timer = setTimeout(connect, delay * (0.75 + Math.random() / 2));
      };
    };
    const hurry = () => {
      if (timer !== undefined && document.visibilityState === "visible") connect();
    };

    connect();
    window.addEventListener("online", hurry);
    document.addEventListener("visibilitychange", hurry);
    return () => {
      over = true;
      clearTimeout(timer);
      socket?.close(1000);
      window.removeEventListener("online", hurry);
      document.removeEventListener("visibilitychange", hurry);
    };
  }, [wanted]);

  return state;
}

async function checkSession() {
  try {
    const answer = await fetch("/api/v1/session", { credentials: "same-origin" });
    if (answer.status === 401) location.replace(hrefs.login(here()));
  } catch {
    // The server is away; the next attempt finds it.
  }
}
