import { Compass } from "lucide-react";
import { ButtonLink } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";

export default function NotFound() {
  return (
    <>
      <title>No such page · SDP</title>
      <Empty icon={Compass} title="There is no such page" action={<ButtonLink href="/" look="primary">To the sandboxes</ButtonLink>}>The address may be old, or mistyped.</Empty>
    </>
  );
}
