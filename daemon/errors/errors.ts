/** Every failure MyAAS can report, in one catalogue. */
import { clientErrors } from './client.ts';
import { hostErrors } from './host.ts';
import { instanceErrors } from './instances.ts';
import { requestErrors } from './requests.ts';
import { templateErrors } from './templates.ts';

export const errors = {
  ...requestErrors,
  ...templateErrors,
  ...instanceErrors,
  ...hostErrors,
  ...clientErrors,
} as const;
