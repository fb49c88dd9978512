"use client";

import { api, ok } from "./api";
import { ofOperation } from "./concerns";
import { useResource } from "./live";

/** useOperation follows an operation until it is done. */
export function useOperation(id: string | undefined, sandbox?: string) {
  const { data, problem, reload } = useResource(
    id ? `operation/${id}` : null,
    (signal) => ok(api.GET("/api/v1/operations/{id}", { params: { path: { id: id! } }, signal })),
    ofOperation(id ?? "", sandbox),
  );
  return { operation: data, problem, reload, done: data?.settled === true };
}
