import pg from 'pg'; import { execFileSync, spawn } from 'node:child_process'; import fs from 'node:fs'
import { randomUUID } from 'node:crypto'
import { openQueues, startWorkers, migrateQueueSchema, queueGrants } from '../dist-queue/src/jobs/queue.js'
const url='postgres://postgres@127.0.0.1:54991/postgres'
process.on('unhandledRejection',e=>console.log('UNHANDLED',e)); process.on('uncaughtException',e=>console.log('UNCAUGHT',e)); process.on('warning',w=>console.log('WARN',w.message))
const admin=async f=>{const c=new pg.Client({connectionString:url,application_name:'admin'});c.on('error',()=>{});await c.connect();try{return await f(c)}finally{await c.end().catch(()=>{})}}
await admin(async c=>{await c.query('drop schema if exists bullmq cascade');await migrateQueueSchema(c)})
const settings={databaseUrl:url}
const defs=Array.from({length:12},(_,i)=>({name:`queue-${i}`,concurrency:2,attempts:3,backoffMs:200}))
let errs=new Map(); const note=(e,x)=>{const k=x.queue.replace(/\d+/,'N')+': '+(e.code??'')+' '+e.message;errs.set(k,(errs.get(k)??0)+1)}
const done=new Map(); const runs=new Map()
const client=await openQueues(settings,defs)
const workers=await startWorkers(settings,defs,Object.fromEntries(defs.map(d=>[d.name,async (ref)=>{runs.set(ref.jobId,(runs.get(ref.jobId)??0)+1); if(ref.storeId==='slow') await new Promise(r=>setTimeout(r,4000)); done.get(ref.jobId)?.(performance.now())}])),note)
const send=async(storeId='x',q=0)=>{const id=randomUUID();const p=new Promise(r=>done.set(id,r));for(;;){try{await client.enqueue(defs[q],[{storeId,jobId:id}]);break}catch(e){console.log('enqueue',e.message);await new Promise(r=>setTimeout(r,200))}}const t=performance.now();return [id,p.then(x=>x-t)]}
const show=l=>{console.log('--',l);for(const[k,v]of errs)console.log('  ',v,k);errs.clear()}
await new Promise(r=>setTimeout(r,1500))
console.log('pickup',await (await send())[1])
await admin(c=>c.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name='clientele-queue'"))
console.log('right after terminate',await (await send())[1]); await new Promise(r=>setTimeout(r,500)); console.log('a bit later', await (await send('x',5))[1]); show('terminate')
// with slow jobs running
const slow=await Promise.all([0,1,2,3].map(i=>send('slow',i))); await new Promise(r=>setTimeout(r,500))
await admin(c=>c.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name='clientele-queue'"))
console.log('slow', await Promise.all(slow.map(s=>s[1]))); await new Promise(r=>setTimeout(r,1500)); console.log('runs',slow.map(s=>runs.get(s[0])),await client.counts().then(c=>c['queue-0'])); show('terminate while running')
// restart
const stopPg=(m='SIGINT')=>{const pid=+fs.readFileSync('/tmp/bmq/pg/data/postmaster.pid','utf8').split('\n')[0];process.kill(pid,m);return new Promise(r=>{const i=setInterval(()=>{try{process.kill(pid,0)}catch{clearInterval(i);r()}},20)})}
const startPg=()=>{spawn('setpriv',['--reuid=65534','--regid=65534','--clear-groups','bash','/tmp/bmq/run.sh'],{stdio:'ignore',detached:true}).unref()}
const slow2=await Promise.all([0,1].map(i=>send('slow',i))); await new Promise(r=>setTimeout(r,300))
let u=process.cpuUsage()
await stopPg('SIGKILL'); const t0=performance.now(); await new Promise(r=>setTimeout(r,5000)); startPg()
const [id3,p3]=await send('x',7); console.log('enqueue accepted after', performance.now()-t0, 'picked up', await p3)
u=process.cpuUsage(u);console.log('cpu ms during outage',(u.user+u.system)/1000)
console.log('slow2', await Promise.race([Promise.all(slow2.map(s=>s[1])),new Promise(r=>setTimeout(r,20000,'timeout'))])); await new Promise(r=>setTimeout(r,12000)); console.log('runs',slow2.map(s=>runs.get(s[0])),await client.counts().then(c=>[c['queue-0'],c['queue-1']]));show('crash restart')
for(let i=0;i<3;i++)console.log('pickup after', await (await send('x',i))[1])
let t=performance.now();await workers.stop(1000);console.log('stop',performance.now()-t);await client.close()
