"use client";

import { ImagePage } from "@/components/image/image-page";

export default function Page() {
  return <ImagePage />;
}
